// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { nodeResources, nodeStatistics, summarizeNode, type NodeSummary } from './nodes.ts';

function node(ready: string | undefined, capacity: Record<string, string> = {}): NodeSummary {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node', uid: 'u', labels: { big: 'label' }, managedFields: [{}] },
    spec: { podCIDR: '10.0.0.0/24' },
    status: {
      capacity,
      allocatable: capacity,
      conditions:
        ready === undefined
          ? []
          : [
              { type: 'DiskPressure', status: 'False' },
              { type: 'Ready', status: ready },
            ],
      images: [{ names: ['large'] }],
    },
  } as NodeSummary;
}

describe('nodeStatistics', () => {
  it('counts by the Ready condition, nodes without one as lost', () => {
    expect(nodeStatistics([node('True'), node('True'), node('False'), node('Unknown'), node(undefined)])).toEqual({
      readyNodes: 2,
      notReadyNodes: 1,
      unknownNodes: 1,
      lostNodes: 1,
    });
  });
});

describe('nodeResources', () => {
  it('is "0" without nodes', () => {
    expect(nodeResources([])).toEqual({ capacity: { cpu: '0', memory: '0' }, allocatable: { cpu: '0', memory: '0' } });
  });

  it('sums cpu and memory of every node and names GPUs only where there are some', () => {
    const nodes = [
      node('True', { cpu: '4', memory: '16Gi', pods: '110', 'nvidia.com/gpu': '0' }),
      node('False', { cpu: '1500m', memory: '8Gi', pods: '110' }),
    ];
    expect(nodeResources(nodes).capacity).toEqual({ cpu: '5500m', memory: '24Gi' });
    expect(nodeResources([...nodes, node('True', { 'nvidia.com/gpu': '2' })]).capacity).toEqual({
      cpu: '5500m',
      memory: '24Gi',
      'nvidia.com/gpu': '2',
    });
  });
});

describe('summarizeNode', () => {
  const full = {
    ...node('True', { cpu: '4', pods: '110' }),
    spec: { taints: [{ key: 'a', effect: 'NoSchedule' }], unschedulable: true, podCIDR: '10.0.0.0/24' },
  } as NodeSummary;
  full.metadata.labels = { big: 'label', 'node.clusternet.io/gpu': 'yes', 'node-role.kubernetes.io/control-plane': '' };

  it('keeps only what the status needs', () => {
    expect(summarizeNode(full, { labelPrefixes: ['node.clusternet.io/'], predictions: false })).toEqual({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: 'node',
        uid: 'u',
        resourceVersion: undefined,
        labels: { 'node.clusternet.io/gpu': 'yes', 'node-role.kubernetes.io/control-plane': '' },
      },
      status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });

  it('keeps what predictions need where there are any', () => {
    const summary = summarizeNode(full, { labelPrefixes: [], predictions: true });
    expect(summary.metadata.labels).toEqual(full.metadata.labels);
    expect(summary.spec).toEqual({ taints: [{ key: 'a', effect: 'NoSchedule' }], unschedulable: true });
    expect(summary.status?.allocatable).toEqual({ cpu: '4', pods: '110' });
  });
});
