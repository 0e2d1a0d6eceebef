// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { caHash } from '@clusternet/api-types';
import { ApiError } from '@clusternet/client';
import { fakeJwt } from '../testing/fakeJwt.ts';
import { tlsError } from '../testing/fakeParent.ts';
import { Enough, registrarHarness, registrationToken } from '../testing/registrarHarness.ts';
import { CredentialKeeper } from './credentialKeeper.ts';

const seconds = (text: string) => Date.parse(text) / 1000;

async function keeping(token = 'dedicated') {
  const harness = registrarHarness();
  harness.parent.afterRequest = async () => {
    if (harness.parent.request && !harness.parent.request.status?.result) await harness.parent.approve(token);
  };
  const registrar = harness.make();
  const registration = await harness.run(registrar);
  harness.state.pauses.length = 0;
  harness.parent.log.length = 0;
  harness.parent.afterRequest = () => undefined;
  const renewed: string[] = [];
  const keeper: CredentialKeeper = new CredentialKeeper({
    registration,
    parentUrl: 'https://parent:6443',
    onRenewed: () => renewed.push(keeper.token()),
    fetch: (name) => harness.parent.connect({ url: '', token: keeper.token(), caPem: keeper.ca() }).get(name),
    fetchWithRegistrationToken: (name, ca) => registrar.fetchWithRegistrationToken(name, ca),
    store: harness.store,
    clock: harness.clock,
    reporter: harness.reporter,
    logger: harness.logger,
    now: () => harness.state.now,
    sleep: harness.sleep,
    random: () => 0.5,
  });
  return { ...harness, keeper, renewed, end: () => keeper.run(harness.signal) };
}

describe('CredentialKeeper', () => {
  it('takes over a renewed token, for every client that asks for it and for the next start', async () => {
    const { end, keeper, parent, renewed, state } = await keeping();
    state.onPause = async (pauses) => {
      if (pauses === 2) await parent.approve('renewed');
      if (pauses > 4) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(keeper.token()).toBe('renewed');
    expect(renewed).toEqual(['renewed']);
    expect(state.stored?.credential?.token).toBe('renewed');
  });

  it('asks about every five minutes, and every minute once half of the life is over', async () => {
    const issued = fakeJwt({ iat: seconds('2025-12-31T00:00:00Z'), exp: seconds('2026-01-03T00:00:00Z') });
    const { end, state } = await keeping(issued);
    state.onPause = (pauses) => {
      if (pauses === 2) state.now = new Date('2026-01-02T00:00:00Z');
      if (pauses === 4) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    const [first = 0, second = 0, third = 0, fourth = 0] = state.pauses;
    expect(first + second).toBe(300_000);
    expect(third + fourth).toBe(60_000);
  });

  it('ends the session and removes the credential, but not the key, when the request is gone', async () => {
    const { end, parent, state } = await keeping();
    parent.request = undefined;
    expect(await end()).toBe('deregistered');
    expect(state.stored?.credential).toBeUndefined();
    expect(state.stored?.key).toBeDefined();
  });

  it('sees a deregistration through that takes the credential first', async () => {
    const { end, parent, state } = await keeping();
    state.onPause = (pauses) => {
      if (pauses === 1 && parent.request) parent.request.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      if (pauses === 3) parent.dedicatedTokens.clear();
      if (pauses === 5) parent.request = undefined;
    };
    expect(await end()).toBe('deregistered');
  });

  it('also without a good registration token', async () => {
    const { end, parent, state } = await keeping();
    state.onPause = (pauses) => {
      if (pauses === 1 && parent.request) parent.request.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      if (pauses === 3) {
        parent.dedicatedTokens.clear();
        parent.registrationTokens.delete(registrationToken);
      }
    };
    expect(await end()).toBe('deregistered');
  });

  it('does not take a refused credential for a deregistration', async () => {
    const { end, parent, state, warnings } = await keeping();
    parent.dedicatedTokens.clear();
    parent.registrationTokens.clear();
    state.onPause = (pauses) => {
      if (pauses > 10) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(state.stored?.credential?.token).toBe('dedicated');
    expect(warnings().map((line) => line.fields.reason)).toEqual(['TokenRevoked']);
  });

  it('is not made to hammer the parent by the refusals of its own credential', async () => {
    const { end, keeper, parent, state } = await keeping();
    parent.dedicatedTokens.clear();
    parent.registrationTokens.clear();
    parent.beforeRequest = () => keeper.poke();
    keeper.poke();
    state.onPause = (pauses) => {
      if (pauses > 8) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    const [poked, ...failed] = state.pauses;
    expect(poked).toBe(2_000);
    expect(failed).toEqual([...failed].sort((a, b) => a - b));
    expect(failed[0]).toBeGreaterThan(4_000);
    expect(failed.at(-1)).toBeGreaterThan(240_000);
  });

  it('says that the cluster was denied, keeps its registration, and goes on after an approval', async () => {
    const { end, keeper, parent, state, warnings } = await keeping();
    parent.dedicatedTokens.clear();
    if (parent.request) parent.request.status = { result: 'Denied', errorMessage: 'stolen' };
    state.onPause = async (pauses) => {
      if (pauses === 6) await parent.approve('again');
      if (pauses > 10) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(warnings().map((line) => line.fields.reason)).toEqual(['RequestDenied']);
    expect(warnings()[0]?.fields.error).toContain('stolen');
    expect(Math.min(...state.pauses.slice(2, 6))).toBeGreaterThan(50_000);
    expect(keeper.token()).toBe('again');
    expect(state.stored?.credential?.token).toBe('again');
  });

  it('is poked awake', async () => {
    const { end, keeper, parent, state } = await keeping();
    parent.request = undefined;
    keeper.poke();
    expect(await end()).toBe('deregistered');
    expect(state.pauses).toEqual([2_000]);
  });

  it('connects anew when the parent cannot be verified', async () => {
    const { end, parent } = await keeping();
    parent.outage = tlsError('SELF_SIGNED_CERT_IN_CHAIN');
    expect(await end()).toBe('reconnect');
  });

  it('goes by another CA that the verified parent tells of, in the session that it has', async () => {
    const { end, keeper, parent, state } = await keeping();
    await parent.approve('dedicated', 'CA and NEW CA');
    parent.afterRequest = () => {
      parent.ca = 'CA and NEW CA';
    };
    state.onPause = (pauses) => {
      if (pauses === 6) throw new Enough();
    };
    expect(keeper.ca()).toBe('CA');
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(keeper.ca()).toBe('CA and NEW CA');
    expect(state.stored?.credential?.caPem).toBe('CA and NEW CA');
  });

  it('looks at once for a CA that it does not know, and not for the one that it has', async () => {
    const { end, keeper, parent, state } = await keeping();
    keeper.parentCa(caHash('CA'));
    state.onPause = async (pauses) => {
      if (pauses !== 2) return;
      expect(parent.log).toEqual([]);
      await parent.approve('dedicated', 'NEW CA');
      keeper.parentCa(caHash('NEW CA'));
    };
    parent.afterRequest = () => {
      state.onPause = () => {
        throw new Enough();
      };
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(state.pauses.slice(0, 2)).toEqual([2_000, 298_000]);
    expect(keeper.ca()).toBe('NEW CA');
  });

  it('finds its new credential with a registration token although the CA of the operator is out of date', async () => {
    const { end, keeper, parent, state } = await keeping();
    await parent.approve('dedicated', 'NEW CA');
    parent.afterRequest = async () => {
      parent.afterRequest = () => undefined;
      parent.ca = 'NEW CA';
      parent.dedicatedTokens.clear();
      await parent.approve('renewed');
    };
    state.onPause = (pauses) => {
      if (pauses === 8) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(state.ca).toBe('CA');
    expect(keeper.token()).toBe('renewed');
  });

  it('says once that the parent is away and once that it is back', async () => {
    const { end, parent, state, lines, warnings } = await keeping();
    parent.outage = new ApiError('overloaded', { status: 503 });
    state.onPause = (pauses) => {
      if (pauses === 9) parent.outage = undefined;
      if (pauses === 12) throw new Enough();
    };
    await expect(end()).rejects.toBeInstanceOf(Enough);
    expect(warnings()).toHaveLength(1);
    expect(lines.filter((line) => line.message === 'connection to the parent works again')).toHaveLength(1);
  });
});
