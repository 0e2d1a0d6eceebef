// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { childCredentialSecret, isOwnSecret, isSameCredential } from './childCredential.ts';

const secret = childCredentialSecret({
  name: 'child-cluster-deployer',
  clusterId: 'id',
  namespace: 'clusternet-abcde',
  url: 'https://child:6443',
  caPem: 'PEM',
  token: 'token',
  serviceAccount: { name: 'clusternet-app-deployer', uid: 'uid' },
});

describe('childCredentialSecret', () => {
  it('carries the keys, labels and annotation of the specification and no finalizer', () => {
    expect(secret).toMatchObject({
      type: 'Opaque',
      metadata: {
        name: 'child-cluster-deployer',
        labels: {
          'clusternet.io/created-by': 'clusternet-agent',
          'clusters.clusternet.io/cluster-id': 'id',
          'clusters.clusternet.io/bootstrapping': 'credentials-auto',
        },
        annotations: { 'clusternet.io/autoupdate': 'true' },
      },
    });
    expect(Object.keys(secret.data ?? {})).toEqual([
      'ca.crt',
      'token',
      'service-account.name',
      'service-account.uid',
      'apiserver-advertise-url',
    ]);
    expect(secret.metadata.finalizers).toBeUndefined();
  });

  it('is left alone where an operator keeps their own', () => {
    expect(isOwnSecret(secret)).toBe(true);
    expect(
      isOwnSecret({ ...secret, metadata: { ...secret.metadata, annotations: { 'clusternet.io/autoupdate': 'false' } } }),
    ).toBe(false);
  });

  it('is written only when it says something new', () => {
    expect(isSameCredential(secret, secret)).toBe(true);
    expect(isSameCredential({ ...secret, data: { ...secret.data, token: 'b3RoZXI=' } }, secret)).toBe(false);
  });
});
