// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { labels, type ManagedCluster } from '@clusternet/api-types';
import { nextNodeLabels, nodeLabelManager } from './nodeLabels.ts';

const gpu = 'node.clusternet.io/gpu';

function cluster(o: { nodeLabels?: Record<string, string>; present?: Record<string, string>; own?: string[] }): ManagedCluster {
  const fields = Object.fromEntries((o.own ?? []).map((key) => [`f:${key}`, {}]));
  return {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: {
      name: 'c',
      labels: o.present,
      managedFields: [
        { manager: nodeLabelManager, operation: 'Apply', fieldsV1: { 'f:metadata': { 'f:labels': fields } } },
        { manager: 'kubectl-label', operation: 'Update', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:theirs': {} } } } },
      ],
    },
    spec: { clusterId: '05326c73-b450-49d8-a5e6-e77adac3d34a', syncMode: 'Pull' },
    status: { nodeLabels: o.nodeLabels },
  };
}

describe('nextNodeLabels', () => {
  it('adds, changes and takes away what it wrote', () => {
    expect(nextNodeLabels(cluster({ nodeLabels: { [gpu]: 'a' } }))).toEqual({ [gpu]: 'a' });
    expect(nextNodeLabels(cluster({ nodeLabels: { [gpu]: 'b' }, present: { [gpu]: 'a' }, own: [gpu] }))).toEqual({ [gpu]: 'b' });
    expect(nextNodeLabels(cluster({ nodeLabels: {}, present: { [gpu]: 'a' }, own: [gpu] }))).toEqual({});
  });

  it('changes nothing where everything is there', () => {
    expect(nextNodeLabels(cluster({}))).toBeUndefined();
    expect(nextNodeLabels(cluster({ nodeLabels: { [gpu]: 'a' }, present: { [gpu]: 'a' }, own: [gpu] }))).toBeUndefined();
  });

  it('leaves alone what people set under the same keys', () => {
    expect(nextNodeLabels(cluster({ nodeLabels: { [gpu]: 'b' }, present: { [gpu]: 'a' } }))).toBeUndefined();
    expect(nextNodeLabels(cluster({ present: { [gpu]: 'a', theirs: 'x' } }))).toBeUndefined();
  });

  it('lets no cluster pass for another one', () => {
    const nodeLabels = { [labels.clusterId]: 'other', [labels.createdBy]: 'me', 'bad key': 'x', [gpu]: 'bad value' };
    expect(nextNodeLabels(cluster({ nodeLabels }))).toBeUndefined();
  });
});
