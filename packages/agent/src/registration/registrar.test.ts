// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { tlsError } from '../testing/fakeParent.ts';
import { Enough, registrarHarness, registrationToken } from '../testing/registrarHarness.ts';
import { createKeyPair, publicKeyText } from './keyPair.ts';

/** Lets the hub approve as soon as a request is there. */
function approveAtOnce(harness: ReturnType<typeof registrarHarness>, token = 'dedicated'): void {
  harness.parent.afterRequest = async () => {
    if (harness.parent.request && !harness.parent.request.status?.result) await harness.parent.approve(token);
  };
}

/** Runs until the given number of pauses and hands back what was thrown. */
async function runUntilPauses(harness: ReturnType<typeof registrarHarness>, count: number): Promise<void> {
  harness.state.onPause = (pauses) => {
    if (pauses >= count) throw new Enough();
  };
  await expect(harness.run()).rejects.toBeInstanceOf(Enough);
}

describe('the first registration', () => {
  it('asks, waits for approval, and stores the credential that the parent accepts', async () => {
    const harness = registrarHarness({ syncMode: 'Dual', labels: { region: 'eu' } });
    const { parent, state } = harness;
    state.onPause = async (pauses) => {
      if (pauses === 3) await parent.approve('dedicated');
    };
    const registration = await harness.run();
    expect(parent.request?.spec).toMatchObject({
      syncMode: 'Dual',
      clusterLabels: { region: 'eu' },
      clusterType: 'StandardCluster',
    });
    expect(parent.request?.metadata.name).toBe('clusternet-11111111-2222-3333-4444-555555555555');
    expect(registration.stored.credential).toEqual({
      token: 'dedicated',
      caPem: 'CA',
      namespace: 'clusternet-abcde',
      managedClusterName: registration.stored.clusterName,
    });
    expect(state.stored).toEqual(registration.stored);
    expect(state.pauses).toEqual([600, 1800, 6000]);
    expect(harness.warnings()).toEqual([]);
  });

  it('generates one name and one key, and keeps both however often it is started', async () => {
    const harness = registrarHarness();
    await runUntilPauses(harness, 1);
    const first = harness.state.stored;
    expect(first?.clusterName).toMatch(/^clusternet-cluster-[a-z0-9]{5}$/);
    const again = registrarHarness();
    again.state.stored = first;
    again.parent.request = harness.parent.request;
    approveAtOnce(again);
    const registration = await again.run();
    expect(registration.stored.clusterName).toBe(first?.clusterName);
    expect(registration.stored.key).toEqual(first?.key);
  });

  it('verifies the parent by the given CA and never without one', async () => {
    const harness = registrarHarness();
    approveAtOnce(harness);
    await harness.run();
    expect(harness.parent.connections.every((connection) => !connection.insecure && connection.caPem === 'CA')).toBe(true);
  });

  it('says once what the parent says while a request is pending, and asks more slowly in time', async () => {
    const harness = registrarHarness();
    harness.parent.afterRequest = () => {
      if (harness.parent.request) harness.parent.request.status = { errorMessage: 'the cluster name is taken' };
    };
    await runUntilPauses(harness, 30);
    expect(harness.lines.filter((line) => line.fields.parentMessage === 'the cluster name is taken')).toHaveLength(1);
    expect(harness.events.filter((event) => event.message.includes('name is taken'))).toHaveLength(1);
    expect(harness.state.pauses.at(-1)).toBe(36_000);
  });

  it('tells how to change a name that the pending request no longer has', async () => {
    const harness = registrarHarness({ name: 'new' });
    const old = registrarHarness({ name: 'old' });
    await runUntilPauses(old, 1);
    harness.parent.request = old.parent.request;
    harness.state.stored = old.state.stored;
    await runUntilPauses(harness, 1);
    expect(harness.events[0]?.message).toContain('still asks for the name old');
  });

  it('asks anew when its request is deleted before approval', async () => {
    const harness = registrarHarness();
    harness.state.onPause = async (pauses) => {
      if (pauses === 1) harness.parent.request = undefined;
      if (pauses === 3) await harness.parent.approve('dedicated');
    };
    await harness.run();
    expect(harness.events.map((event) => event.reason)).toContain('RequestDeleted');
    expect(harness.parent.log.filter((verb) => verb === 'POST')).toHaveLength(2);
  });
});

describe('what goes wrong', () => {
  it('a wrong token is one clear message and ever longer pauses', async () => {
    const harness = registrarHarness();
    harness.state.token = 'wrong0.wrong0wrong0wrong';
    await runUntilPauses(harness, 12);
    expect(harness.warnings()).toHaveLength(1);
    expect(harness.events).toMatchObject([{ type: 'Warning', reason: 'TokenRejected' }]);
    expect(JSON.stringify([harness.lines, harness.events])).not.toContain('wrong0wrong0wrong');
    expect(harness.state.pauses[0]).toBeGreaterThanOrEqual(3_500);
    expect(harness.state.pauses.at(-1)).toBeGreaterThanOrEqual(210_000);
    expect(Math.max(...harness.state.pauses)).toBeLessThanOrEqual(300_000);
  });

  it('goes on as soon as the token is right', async () => {
    const harness = registrarHarness();
    harness.state.token = 'wrong0.wrong0wrong0wrong';
    harness.state.onPause = (pauses) => {
      if (pauses === 2) harness.state.token = '07401b.f395accd246ae52d';
    };
    approveAtOnce(harness);
    expect((await harness.run()).stored.credential.token).toBe('dedicated');
  });

  it('a token revoked while waiting is told from a wrong one', async () => {
    const harness = registrarHarness();
    harness.state.onPause = (pauses) => {
      if (pauses === 1) harness.parent.registrationTokens.clear();
      if (pauses === 3) throw new Enough();
    };
    await expect(harness.run()).rejects.toBeInstanceOf(Enough);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['TokenRevoked']);
  });

  it('an unknown CA is told, and the token is never sent', async () => {
    const harness = registrarHarness();
    harness.state.ca = 'OTHER CA';
    await runUntilPauses(harness, 3);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['UnknownAuthority']);
  });

  it('a skewed clock is told with its size', async () => {
    const harness = registrarHarness();
    harness.parent.outage = tlsError('CERT_NOT_YET_VALID');
    harness.state.parentNow = new Date(harness.state.now.getTime() + 3_600_000);
    await runUntilPauses(harness, 2);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['ClockSkew']);
    expect(harness.warnings()[0]?.fields.error).toContain('60 min behind');
  });

  it('a parent that is away is asked again within a minute', async () => {
    const harness = registrarHarness();
    harness.parent.outage = tlsError('ECONNREFUSED');
    await runUntilPauses(harness, 12);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['ParentUnreachable']);
    expect(Math.max(...harness.state.pauses)).toBeLessThanOrEqual(60_000);
  });

  it('a denial ends the quick polling, and a later approval is found', async () => {
    const harness = registrarHarness();
    const { parent, state } = harness;
    parent.afterRequest = () => {
      if (parent.request && !parent.request.status) parent.request.status = { result: 'Denied', errorMessage: 'unknown cluster' };
    };
    state.onPause = async (pauses) => {
      if (pauses === 4) await parent.approve('dedicated');
    };
    await harness.run();
    const denial = harness.events.find((event) => event.reason === 'RequestDenied');
    expect(denial?.message).toContain('unknown cluster');
    expect(state.pauses.slice(1, 4).every((pause) => pause >= 40_000)).toBe(true);
  });

  it("another agent's request for the same id is not taken over", async () => {
    const harness = registrarHarness();
    const other = registrarHarness();
    approveAtOnce(other);
    await other.run();
    harness.parent.request = other.parent.request;
    await runUntilPauses(harness, 2);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['KeyMismatch']);
    expect(harness.state.stored?.credential).toBeUndefined();
  });
});

describe('a restart', () => {
  async function registered(flags: Parameters<typeof registrarHarness>[0] = {}) {
    const harness = registrarHarness(flags);
    approveAtOnce(harness);
    await harness.run();
    harness.parent.log.length = 0;
    return harness;
  }

  it('takes up the stored credential with a single request', async () => {
    const harness = await registered();
    harness.state.token = 'expired.expiredexpired00';
    const registration = await harness.run();
    expect(registration.stored.credential.token).toBe('dedicated');
    expect(harness.parent.log).toEqual(['GET']);
  });

  it('carries changed flags to the parent', async () => {
    const harness = await registered();
    const changed = registrarHarness({ syncMode: 'Dual', labels: { tier: 'gold' } });
    Object.assign(changed.parent, { request: harness.parent.request, dedicatedTokens: harness.parent.dedicatedTokens });
    changed.state.stored = harness.state.stored;
    await changed.run();
    expect(changed.parent.request?.spec).toMatchObject({ syncMode: 'Dual', clusterLabels: { tier: 'gold' } });
  });

  it('finds the renewed credential with the registration token when its own has died', async () => {
    const harness = await registered();
    harness.parent.dedicatedTokens.clear();
    await harness.parent.approve('renewed');
    expect((await harness.run()).stored.credential.token).toBe('renewed');
    expect(harness.state.stored?.credential?.token).toBe('renewed');
  });

  it('does not go round in circles with a credential that the parent no longer accepts', async () => {
    const harness = await registered();
    harness.parent.dedicatedTokens.clear();
    await runUntilPauses(harness, 4);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['TokenRevoked']);
    expect(harness.warnings()[0]?.fields.error).toContain('credential of this cluster');
  });

  it('registers anew when its request is gone', async () => {
    const harness = await registered();
    const key = harness.state.stored?.key;
    harness.parent.request = undefined;
    approveAtOnce(harness, 'second');
    const registration = await harness.run();
    expect(registration.stored.credential.token).toBe('second');
    expect(registration.stored.key).toEqual(key);
  });

  it('registers with another parent when the URL changes', async () => {
    const harness = await registered();
    const moved = registrarHarness({
      parent: {
        url: 'https://other:6443',
        insecure: false,
        token: () => Promise.resolve('07401b.f395accd246ae52d'),
        ca: () => Promise.resolve('CA'),
      },
    });
    moved.state.stored = harness.state.stored;
    approveAtOnce(moved, 'elsewhere');
    const registration = await moved.run();
    expect(registration.stored).toMatchObject({ parentUrl: 'https://other:6443', credential: { token: 'elsewhere' } });
    expect(moved.parent.connections.some((connection) => connection.token === 'dedicated')).toBe(false);
  });

  it('follows a replaced CA by the one that the operator gives', async () => {
    const harness = await registered();
    harness.parent.ca = 'NEW CA';
    harness.state.ca = 'NEW CA';
    const registration = await harness.run();
    expect(registration.caPem).toBe('NEW CA');
    expect(harness.lines.some((line) => line.message.includes('the CA of the parent was replaced'))).toBe(true);
  });

  it('registers anew with the CA that it has learnt, although the one of the operator is out of date', async () => {
    const harness = await registered();
    await harness.parent.approve('dedicated', 'NEW CA');
    await harness.run();
    harness.parent.ca = 'NEW CA';
    harness.parent.dedicatedTokens.clear();
    harness.parent.request = undefined;
    approveAtOnce(harness, 'anew');
    expect((await harness.run()).stored.credential).toMatchObject({ token: 'anew', caPem: 'NEW CA' });
    expect(harness.state.ca).toBe('CA');
    expect(harness.parent.connections.some((connection) => connection.insecure)).toBe(false);
  });

  it('trusts what it has learnt from a parent that nobody verified no more, once the operator gives a CA', async () => {
    const unverified = registrarHarness({
      parent: { url: 'https://parent:6443', insecure: true, token: async () => registrationToken, ca: async () => undefined },
    });
    unverified.parent.ca = 'CA OF SOMEBODY BETWEEN';
    approveAtOnce(unverified, 'dedicated');
    await unverified.run();
    expect(unverified.state.stored?.unverified).toBe(true);
    const harness = registrarHarness();
    Object.assign(harness.parent, { request: unverified.parent.request, dedicatedTokens: unverified.parent.dedicatedTokens });
    harness.state.stored = unverified.state.stored;
    harness.parent.ca = 'CA OF SOMEBODY BETWEEN';
    await runUntilPauses(harness, 2);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['UnknownAuthority']);
    expect(harness.parent.connections.map((connection) => connection.caPem)).not.toContain('CA OF SOMEBODY BETWEEN');
    const verified = registrarHarness();
    Object.assign(verified.parent, { request: unverified.parent.request, dedicatedTokens: unverified.parent.dedicatedTokens });
    verified.state.stored = harness.state.stored;
    await verified.parent.approve('dedicated');
    await verified.run();
    expect(verified.state.stored).toMatchObject({ credential: { caPem: 'CA' }, unverified: false });
  });

  it('says so when neither CA verifies the parent', async () => {
    const harness = await registered();
    harness.parent.ca = 'NEW CA';
    await runUntilPauses(harness, 2);
    expect(harness.warnings().map((line) => line.fields.reason)).toEqual(['UnknownAuthority']);
  });

  it('never sends the dedicated credential to an unverified parent', async () => {
    const harness = await registered();
    const insecure = registrarHarness({
      parent: {
        url: 'https://parent:6443',
        insecure: true,
        token: () => Promise.resolve('07401b.f395accd246ae52d'),
        ca: () => Promise.resolve(undefined),
      },
    });
    Object.assign(insecure.parent, { request: harness.parent.request, dedicatedTokens: harness.parent.dedicatedTokens });
    insecure.state.stored = harness.state.stored;
    insecure.parent.ca = 'NEW CA';
    await insecure.parent.approve('dedicated', 'NEW CA');
    await insecure.run();
    expect(insecure.parent.connections.filter((connection) => connection.token === 'dedicated' && connection.insecure)).toEqual(
      [],
    );
    expect(insecure.state.stored?.credential?.caPem).toBe('NEW CA');
  });

  it('works on with the credential of an upstream agent and gives the request its key', async () => {
    const harness = await registered();
    const { stored } = harness.state;
    if (!stored?.credential || !harness.parent.request?.spec) throw new Error('not registered');
    harness.state.stored = { ...stored, key: undefined };
    delete harness.parent.request.spec.publicKey;
    harness.parent.request.status = {
      result: 'Approved',
      dedicatedNamespace: 'clusternet-abcde',
      token: Buffer.from('dedicated').toString('base64'),
    };
    const registration = await harness.run();
    expect(registration.stored.credential.token).toBe('dedicated');
    expect(harness.parent.request.spec.publicKey).toBe(publicKeyText(registration.stored.key));
  });

  it('does not use a Secret that was restored from another cluster', async () => {
    const harness = await registered();
    const restored = registrarHarness();
    if (!harness.state.stored) throw new Error('not registered');
    restored.state.stored = {
      ...harness.state.stored,
      identity: { clusterId: 'other', systemUid: 'other' },
      key: await createKeyPair(),
    };
    approveAtOnce(restored, 'own');
    expect((await restored.run()).stored).toMatchObject({
      identity: { clusterId: restored.identity.clusterId },
      credential: { token: 'own' },
    });
  });
});
