// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeAll, describe, expect, it } from '@jest/globals';
import { type ClusterRegistrationRequest } from '@clusternet/api-types';
import { createKeyPair, publicKeyText, type PrivateJwk } from './keyPair.ts';
import { buildRequest, readOutcome, requestPatch, type WantedCluster } from './request.ts';
import { encryptTo } from '../testing/encryptTo.ts';

const wanted: WantedCluster = {
  clusterId: '11111111-2222-3333-4444-555555555555',
  clusterName: 'child-1',
  clusterType: 'StandardCluster',
  syncMode: 'Dual',
  clusterLabels: { region: 'eu' },
};

describe('requestPatch', () => {
  let key: PrivateJwk;
  beforeAll(async () => {
    key = await createKeyPair();
  });

  it('is nothing for a request that says what the flags say', () => {
    expect(requestPatch(buildRequest(wanted, key), wanted, key)).toBeUndefined();
  });

  it('carries changed type, sync mode and labels, and removes labels that are gone', () => {
    const existing = buildRequest(wanted, key);
    expect(
      requestPatch(existing, { ...wanted, clusterType: 'EdgeCluster', syncMode: 'Pull', clusterLabels: { zone: 'a' } }, key),
    ).toEqual({
      spec: { clusterType: 'EdgeCluster', syncMode: 'Pull', clusterLabels: { zone: 'a', region: null } },
    });
  });

  it('gives a request without a key this one', () => {
    const existing = buildRequest(wanted, key);
    delete existing.spec?.publicKey;
    expect(requestPatch(existing, wanted, key)).toEqual({ spec: { publicKey: publicKeyText(key) } });
  });

  it('leaves name and namespace alone', () => {
    expect(
      requestPatch(buildRequest(wanted, key), { ...wanted, clusterName: 'other', clusterNamespace: 'other' }, key),
    ).toBeUndefined();
  });
});

describe('readOutcome', () => {
  let key: PrivateJwk;
  beforeAll(async () => {
    key = await createKeyPair();
  });

  function request(
    status: Record<string, unknown>,
    publicKey: string | undefined = publicKeyText(key),
  ): ClusterRegistrationRequest {
    const made = buildRequest(wanted, key);
    return { ...made, spec: { ...made.spec, publicKey }, status };
  }

  it('waits, with the message of the parent', async () => {
    expect(await readOutcome(request({}), key)).toEqual({ kind: 'pending', message: 'waiting for approval' });
    expect(await readOutcome(request({ errorMessage: 'name taken' }), key)).toEqual({ kind: 'pending', message: 'name taken' });
    expect(await readOutcome(request({ result: 'Approved', dedicatedNamespace: 'ns' }), key)).toMatchObject({ kind: 'pending' });
  });

  it('sees a refusal', async () => {
    expect(await readOutcome(request({ result: 'Denied', errorMessage: 'not you' }), key)).toEqual({
      kind: 'denied',
      message: 'not you',
    });
  });

  it('opens the encrypted token', async () => {
    const encryptedToken = await encryptTo(publicKeyText(key), 'secret');
    const status = {
      result: 'Approved',
      dedicatedNamespace: 'ns',
      managedClusterName: 'mc',
      encryptedToken,
      caCertificate: Buffer.from('PEM').toString('base64'),
    };
    expect(await readOutcome(request(status), key)).toEqual({
      kind: 'approved',
      credential: { token: 'secret', caPem: 'PEM', namespace: 'ns', managedClusterName: 'mc' },
    });
  });

  it('accepts the clear token of an upstream hub, which drops the public key', async () => {
    const made = request({ result: 'Approved', dedicatedNamespace: 'ns', token: Buffer.from('clear').toString('base64') });
    delete made.spec?.publicKey;
    expect(await readOutcome(made, key)).toEqual({ kind: 'approved', credential: { token: 'clear', namespace: 'ns' } });
  });

  it('refuses a request made with another key, whatever its status', async () => {
    const other = await createKeyPair();
    await expect(readOutcome(request({ result: 'Approved' }, publicKeyText(other)), key)).rejects.toMatchObject({
      reason: 'KeyMismatch',
    });
  });

  it('refuses a credential that was encrypted to another key', async () => {
    const encryptedToken = await encryptTo(publicKeyText(await createKeyPair()), 'secret');
    const status = { result: 'Approved', dedicatedNamespace: 'ns', encryptedToken };
    await expect(readOutcome(request(status), key)).rejects.toMatchObject({ reason: 'CredentialUndecryptable' });
  });

  it('does not use a request that is being deleted', async () => {
    const deleting = request({ result: 'Approved', dedicatedNamespace: 'ns', token: 'dA==' });
    deleting.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(await readOutcome(deleting, key)).toMatchObject({ kind: 'pending' });
  });
});
