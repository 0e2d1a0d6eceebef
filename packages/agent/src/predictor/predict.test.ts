// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type ReplicaRequirements, type Taint } from '@clusternet/api-types';
import { amountsOf } from './amounts.ts';
import { type NodeState } from './plugins.ts';
import { predict } from './predict.ts';

function node(o: {
  name?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  unschedulable?: boolean;
  allocatable?: Record<string, string>;
  requests?: Record<string, string>;
  pods?: number;
}): NodeState {
  return {
    name: o.name ?? 'node',
    labels: o.labels ?? {},
    taints: o.taints ?? [],
    unschedulable: o.unschedulable ?? false,
    allocatable: amountsOf({ cpu: '4', memory: '8Gi', pods: '110', ...o.allocatable }),
    used: { requests: amountsOf(o.requests), pods: o.pods ?? 0 },
  };
}

const replicas = (requirements: ReplicaRequirements, ...nodes: NodeState[]): number | undefined =>
  predict(requirements, nodes).replicas['default'];
const cpu = (amount: string): ReplicaRequirements => ({ resources: { requests: { cpu: amount } } });

describe('resources', () => {
  it.each<[string, ReplicaRequirements, Parameters<typeof node>[0], number]>([
    ['fit as often as the scarcest allows', { resources: { requests: { cpu: '1', memory: '4Gi' } } }, {}, 2],
    ['count what runs there', cpu('500m'), { requests: { cpu: '3100m' } }, 1],
    ['are exact at the edge', cpu('100m'), { requests: { cpu: '3900m' } }, 1],
    ['of a node that gave away too much are none, not an error', cpu('1'), { requests: { cpu: '5' } }, 0],
    ['that the node does not have do not fit', { resources: { requests: { 'nvidia.com/gpu': '1' } } }, {}, 0],
    [
      'that the node has fit',
      { resources: { requests: { 'nvidia.com/gpu': '2' } } },
      { allocatable: { 'nvidia.com/gpu': '8' } },
      4,
    ],
    ['of zero need nothing', cpu('0'), { requests: { cpu: '4' }, pods: 100 }, 10],
    ['with a limit alone are requested', { resources: { limits: { cpu: '2' } } }, {}, 2],
    ['with a limit and a request count the request', { resources: { limits: { cpu: '2' }, requests: { cpu: '1' } } }, {}, 4],
    ['are capped by free pod slots', cpu('1m'), { pods: 107 }, 3],
    ['with more pods than slots are none', cpu('1m'), { pods: 111 }, 0],
    ['finer than a thousandth round up', cpu('1u'), { allocatable: { pods: '9000' } }, 4000],
  ])('%s', (_, requirements, state, expected) => {
    expect(replicas(requirements, node(state))).toBe(expected);
  });

  it('are summed over the nodes, each by itself', () => {
    // Three times a half is no whole one.
    const half = node({ requests: { cpu: '3500m' } });
    expect(replicas(cpu('1'), half, half, half, node({}))).toBe(4);
  });

  it('without any nodes are 0', () => {
    expect(replicas(cpu('1'))).toBe(0);
  });

  it('stay a 32-bit number', () => {
    const huge = node({ allocatable: { pods: '2000000000' } });
    expect(replicas({}, huge, huge)).toBe(2_147_483_647);
  });
});

describe('taints', () => {
  const gpu: Taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
  it.each<[string, ReplicaRequirements, Parameters<typeof node>[0], number]>([
    ['NoSchedule keeps away', {}, { taints: [gpu] }, 0],
    ['NoExecute keeps away', {}, { taints: [{ ...gpu, effect: 'NoExecute' }] }, 0],
    ['PreferNoSchedule does not', {}, { taints: [{ ...gpu, effect: 'PreferNoSchedule' }] }, 110],
    ['a toleration accepts', { tolerations: [{ key: 'gpu', operator: 'Exists' }] }, { taints: [gpu] }, 110],
    ['each taint needs one', { tolerations: [{ key: 'gpu', operator: 'Exists' }] }, { taints: [gpu, { ...gpu, key: 'b' }] }, 0],
    ['a cordon is one', {}, { unschedulable: true }, 0],
    ['and can be tolerated', { tolerations: [{ operator: 'Exists' }] }, { unschedulable: true }, 110],
  ])('%s', (_, requirements, state, expected) => {
    expect(replicas(requirements, node(state))).toBe(expected);
  });
});

describe('affinity', () => {
  type Term = { matchExpressions?: { key: string; operator: string; values?: string[] }[]; matchFields?: unknown[] };
  const required = (...nodeSelectorTerms: Term[]): ReplicaRequirements =>
    ({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    }) as ReplicaRequirements;
  const zone = (operator: string, ...values: string[]) => required({ matchExpressions: [{ key: 'zone', operator, values }] });
  const a = { labels: { zone: 'a', size: '8' } };

  it.each<[string, ReplicaRequirements, Parameters<typeof node>[0], boolean]>([
    ['a selector that matches', { nodeSelector: { zone: 'a' } }, a, true],
    ['a selector that does not', { nodeSelector: { zone: 'b' } }, a, false],
    ['a selector by what every object has', { nodeSelector: { constructor: 'x' } }, a, false],
    ['In', zone('In', 'b', 'a'), a, true],
    ['In without the label', zone('In', 'a'), {}, false],
    ['NotIn', zone('NotIn', 'a'), a, false],
    ['NotIn without the label', zone('NotIn', 'a'), {}, true],
    ['Exists', zone('Exists'), a, true],
    ['DoesNotExist', zone('DoesNotExist'), a, false],
    ['Gt', required({ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['7'] }] }), a, true],
    ['Lt', required({ matchExpressions: [{ key: 'size', operator: 'Lt', values: ['8'] }] }), a, false],
    ['Gt of what is no number', required({ matchExpressions: [{ key: 'zone', operator: 'Gt', values: ['7'] }] }), a, false],
    ['the name', required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node'] }] }), {}, true],
    ['another name', required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['other'] }] }), {}, false],
    [
      'one of several terms',
      required(
        { matchExpressions: [{ key: 'x', operator: 'Exists' }] },
        ...[{ matchFields: [], matchExpressions: [{ key: 'zone', operator: 'Exists' }] }],
      ),
      a,
      true,
    ],
    ['a term without conditions', required({}), a, false],
    ['no terms', required(), a, false],
    ['an operator nobody knows', zone('Like', 'a'), a, false],
  ])('%s', (_, requirements, state, expected) => {
    expect(replicas(requirements, node(state))).toBe(expected ? 110 : 0);
  });

  it('does not mind what is only preferred', () => {
    const preference = { matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['b'] }] };
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] } };
    expect(replicas({ affinity }, node(a))).toBe(110);
  });

  it('gives each node one of the replicas that must not share one', () => {
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    expect(replicas({ affinity }, node({}), node({}), node({ unschedulable: true }))).toBe(2);
  });
});

it('asks about thousands of nodes without a pause that anybody would notice', () => {
  const nodes = Array.from({ length: 5_000 }, (_, index) => node({ name: `n${index}` }));
  expect(predict(cpu('1'), nodes).replicas['default']).toBe(20_000);
});
