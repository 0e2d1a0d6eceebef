// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { labels } from '@clusternet/api-types';
import { decodeRegistration, encodeRegistration, type StoredRegistration } from './credentialStore.ts';
import { createKeyPair } from './keyPair.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function stored(registration: StoredRegistration) {
  const { labels: secretLabels, data } = encodeRegistration(registration);
  return decodeRegistration({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'parent-cluster', labels: secretLabels },
    data,
  });
}

describe('the Secret parent-cluster', () => {
  it('keeps the whole registration', async () => {
    const registration: StoredRegistration = {
      identity: { clusterId: 'id', systemUid: 'system' },
      clusterName: 'child',
      parentUrl: 'https://parent',
      key: await createKeyPair(),
      credential: { token: 't', namespace: 'ns', caPem: 'PEM', managedClusterName: 'child' },
      unverified: true,
    };
    expect(stored(registration)).toEqual(registration);
  });

  it('keeps key and name when the credential is gone', async () => {
    const registration = {
      identity: { clusterId: 'id' },
      clusterName: 'child',
      parentUrl: 'https://parent',
      key: await createKeyPair(),
    };
    expect(stored(registration)).toEqual(registration);
  });

  it('is read as an upstream agent wrote it', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'parent-cluster', labels: { [labels.clusterId]: 'id', [labels.clusterName]: 'child' } },
      data: {
        'ca.crt': base64('PEM'),
        token: base64('t'),
        namespace: base64('ns'),
        'apiserver-advertise-url': base64('https://parent'),
      },
    };
    expect(decodeRegistration(secret)).toEqual({
      identity: { clusterId: 'id' },
      clusterName: 'child',
      parentUrl: 'https://parent',
      credential: { token: 't', namespace: 'ns', caPem: 'PEM' },
    });
  });

  it('is ignored when it says nothing', () => {
    expect(decodeRegistration({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'parent-cluster' } })).toBeUndefined();
  });
});
