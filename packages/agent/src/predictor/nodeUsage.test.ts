// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { NodeUsage } from './nodeUsage.ts';
import { type PodSummary } from './podSummary.ts';

const pod = (node: string, cpu: number): PodSummary => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  node,
  requests: { cpu },
});

describe('NodeUsage', () => {
  it('follows pods that come, change and go', () => {
    const usage = new NodeUsage();
    usage.changed({ type: 'added', object: pod('a', 100) });
    usage.changed({ type: 'added', object: pod('a', 50) });
    usage.changed({ type: 'added', object: pod('b', 7) });
    expect(usage.of('a')).toEqual({ requests: { cpu: 150 }, pods: 2 });
    usage.changed({ type: 'modified', object: pod('a', 80), previous: pod('a', 100) });
    usage.changed({ type: 'deleted', object: pod('a', 50) });
    expect(usage.of('a')).toEqual({ requests: { cpu: 80 }, pods: 1 });
    expect(usage.of('b')).toEqual({ requests: { cpu: 7 }, pods: 1 });
  });

  it('remembers nothing of a node without pods', () => {
    const usage = new NodeUsage();
    usage.changed({ type: 'added', object: pod('a', 100) });
    usage.changed({ type: 'deleted', object: pod('a', 100) });
    expect(usage.of('a')).toEqual({ requests: {}, pods: 0 });
    expect(usage.of('never')).toEqual({ requests: {}, pods: 0 });
  });
});
