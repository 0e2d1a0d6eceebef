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
  it('keeps only what the status needs', () => {
    expect(summarizeNode(node('True', { cpu: '4', pods: '110' }))).toEqual({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'node', uid: 'u', resourceVersion: undefined },
      status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });
});
