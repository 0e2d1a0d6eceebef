// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { podRequests, summarizePod, type Pod } from './podSummary.ts';

const takes = (cpu: string, more: object = {}) => ({ resources: { requests: { cpu } }, ...more });

describe('podRequests', () => {
  it.each<[string, Pod['spec'], number | undefined]>([
    ['nothing', {}, undefined],
    ['all containers at once', { containers: [takes('1'), takes('500m')] }, 1500],
    ['an init container where it is more', { containers: [takes('1')], initContainers: [takes('3')] }, 3000],
    ['init containers one by one', { containers: [takes('1')], initContainers: [takes('800m'), takes('900m')] }, 1000],
    [
      'sidecars with the containers',
      { containers: [takes('1')], initContainers: [takes('2', { restartPolicy: 'Always' })] },
      3000,
    ],
    [
      'init containers beside the sidecars before them',
      { containers: [takes('1')], initContainers: [takes('2', { restartPolicy: 'Always' }), takes('5')] },
      7000,
    ],
    ['what the runtime needs', { containers: [takes('1')], overhead: { cpu: '250m' } }, 1250],
    ['requests of the pod as a whole', { containers: [takes('1')], resources: { requests: { cpu: '2' } } }, 2000],
  ])('counts %s', (_, spec, cpu) => {
    expect(podRequests(spec)['cpu']).toBe(cpu);
  });
});

describe('summarizePod', () => {
  it('keeps where it is and what it takes, and nothing else', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'b', uid: 'u', labels: { big: 'label' } },
      spec: { nodeName: 'n', containers: [takes('1')] },
      status: { phase: 'Running' },
    };
    expect(summarizePod(pod)).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'b', uid: 'u', resourceVersion: undefined },
      node: 'n',
      requests: { cpu: 1000 },
    });
  });
});
