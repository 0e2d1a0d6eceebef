// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { annotations, type KubeObject } from '@clusternet/api-types';
import { chooseClusterId } from './identity.ts';

const leaseUid = '11111111-2222-3333-4444-555555555555';
const storedId = '22222222-2222-3333-4444-555555555555';

function lease(legacy?: string): KubeObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'clusternet-agent',
      uid: leaseUid,
      ...(legacy === undefined ? {} : { annotations: { [annotations.legacyClusterId]: legacy } }),
    },
  };
}

describe('chooseClusterId', () => {
  it('is the UID of the Lease', () => {
    expect(chooseClusterId(lease(), undefined, 'system')).toBe(leaseUid);
  });

  it('is the legacy annotation where there is one', () => {
    const legacy = '33333333-2222-3333-4444-555555555555';
    expect(chooseClusterId(lease(legacy), { clusterId: storedId }, 'system')).toBe(legacy);
    expect(() => chooseClusterId(lease('not-a-uuid'), undefined, 'system')).toThrow('must be a lower-case UUID');
  });

  it('survives the deletion of the Lease', () => {
    expect(chooseClusterId(lease(), { clusterId: storedId, systemUid: 'system' }, 'system')).toBe(storedId);
    expect(chooseClusterId(lease(), { clusterId: storedId }, undefined)).toBe(storedId);
  });

  it('is not cloned by a Secret restored into another cluster', () => {
    expect(chooseClusterId(lease(), { clusterId: storedId, systemUid: 'other' }, 'system')).toBe(leaseUid);
  });
});
