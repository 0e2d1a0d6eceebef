// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { aggregateLabels } from './nodeLabels.ts';
import { type NodeSummary } from './nodes.ts';

const node = (labels: Record<string, string> | undefined): NodeSummary => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', ...(labels ? { labels } : {}) },
});
const o = { prefixes: ['node.clusternet.io/'], threshold: 0.5 };
const gpu = 'node.clusternet.io/gpu';

describe('aggregateLabels', () => {
  it('takes the most frequent value where enough workers have it', () => {
    expect(aggregateLabels([node({ [gpu]: 'a' }), node({ [gpu]: 'a' }), node({ [gpu]: 'b' })], o)).toEqual({ [gpu]: 'a' });
    expect(aggregateLabels([node({ [gpu]: 'a' }), node(undefined), node(undefined)], o)).toEqual({});
    expect(aggregateLabels([node({ [gpu]: 'a' }), node(undefined)], o)).toEqual({ [gpu]: 'a' });
  });

  it('does not waver between values that are equally frequent', () => {
    const nodes = [node({ [gpu]: 'b' }), node({ [gpu]: 'a' })];
    expect(aggregateLabels(nodes, o)).toEqual(aggregateLabels([...nodes].reverse(), o));
  });

  it('looks neither at the control plane nor at other labels', () => {
    const controlPlane = node({ [gpu]: 'a', 'node-role.kubernetes.io/control-plane': '' });
    expect(aggregateLabels([controlPlane, node({ other: 'x' })], o)).toEqual({});
    expect(aggregateLabels([controlPlane], o)).toEqual({});
    expect(aggregateLabels([], o)).toEqual({});
  });
});
