// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Condition, type ManagedCluster, resources, taints } from '@clusternet/api-types';
import { fakeContext } from '../testing/context.ts';
import { putCluster } from '../testing/placed.ts';
import { Lifecycle } from './lifecycle.ts';

let surroundings: ReturnType<typeof fakeContext>;
let monotonic: number;
let lifecycle: Lifecycle;

beforeEach(() => {
  surroundings = fakeContext();
  monotonic = 0;
  lifecycle = new Lifecycle(surroundings.context, () => monotonic);
});

const key = 'ns1/child1';

function report(at: string, ready: 'True' | 'False' = 'True'): void {
  const present = surroundings.cluster.get<ManagedCluster>(resources.managedClusters, key);
  const reason = ready === 'True' ? 'ManagedClusterReady' : 'ManagedClusterNotReady';
  const others = (present?.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  surroundings.cluster.put(resources.managedClusters, {
    ...(present as ManagedCluster),
    status: {
      lastObservedTime: at,
      heartbeatFrequencySeconds: 10,
      healthz: true,
      livez: true,
      readyz: true,
      conditions: [...others, { type: 'Ready', status: ready, reason, message: '', lastTransitionTime: at }],
    },
  });
}

function cluster(): ManagedCluster {
  return surroundings.cluster.get<ManagedCluster>(resources.managedClusters, key) as ManagedCluster;
}

function ready(): Condition | undefined {
  return cluster().status?.conditions?.find(({ type }) => type === 'Ready');
}

describe('a silent cluster', () => {
  it('is unknown after three heartbeats, with the taint, and not before', async () => {
    putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    expect(await lifecycle.reconcile(key)).toEqual({ requeueAfterMs: 30_000 });
    monotonic = 29_999;
    await lifecycle.reconcile(key);
    expect(ready()?.status).toBe('True');
    monotonic = 30_000;
    await lifecycle.reconcile(key);
    expect(ready()).toMatchObject({ status: 'Unknown', reason: 'ClusterStatusUnknown' });
    expect(cluster().status).toMatchObject({ healthz: false, livez: false, readyz: false });
    expect(cluster().spec.taints).toEqual([{ key: taints.unschedulable, value: 'ClusterStatusUnknown', effect: 'NoSchedule' }]);
    expect(surroundings.events).toEqual([expect.objectContaining({ type: 'Warning', reason: 'ClusterStatusUnknown' })]);
  });

  it('causes no further write', async () => {
    putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    await lifecycle.reconcile(key);
    monotonic = 30_000;
    await lifecycle.reconcile(key);
    surroundings.cluster.writes.length = 0;
    monotonic = 300_000;
    await lifecycle.reconcile(key);
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('is back with its next report', async () => {
    putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    await lifecycle.reconcile(key);
    monotonic = 30_000;
    await lifecycle.reconcile(key);
    report('2026-01-01T00:00:40Z');
    await lifecycle.reconcile(key);
    expect(ready()?.status).toBe('True');
    expect(cluster().spec.taints).toEqual([]);
    expect(surroundings.events.at(-1)).toMatchObject({ type: 'Normal', reason: 'ManagedClusterReady' });
  });

  it('that never reported is told apart', async () => {
    putCluster(surroundings.cluster, 1);
    await lifecycle.reconcile(key);
    monotonic = 540_000;
    await lifecycle.reconcile(key);
    expect(ready()?.reason).toBe('ClusterStatusNeverUpdated');
  });
});

describe('clocks', () => {
  it.each(['2026-01-01T23:00:00Z', '2026-01-02T01:00:00Z', '2001-01-01T00:00:00Z'])(
    'of the agent do not matter (%s)',
    async (start) => {
      putCluster(surroundings.cluster, 1);
      for (let beat = 0; beat < 10; beat++) {
        report(new Date(Date.parse(start) + beat * 10_000).toISOString());
        await lifecycle.reconcile(key);
        expect(ready()?.status).toBe('True');
        monotonic += 10_000;
      }
    },
  );

  it('of a hub that just began give every cluster its time', async () => {
    putCluster(surroundings.cluster, 1);
    report('2020-01-01T00:00:00Z');
    monotonic = 1_000_000;
    await lifecycle.reconcile(key);
    expect(ready()?.status).toBe('True');
  });
});

describe('taints', () => {
  it('follow the reason, and those of people stay', async () => {
    putCluster(surroundings.cluster, 1, { taints: [{ key: 'maintenance', effect: 'NoExecute' }] });
    report('2026-01-01T00:00:00Z', 'False');
    await lifecycle.reconcile(key);
    expect(cluster().spec.taints?.map(({ value }) => value)).toEqual([undefined, 'ManagedClusterNotReady']);
    monotonic = 30_000;
    await lifecycle.reconcile(key);
    expect(cluster().spec.taints?.map(({ value }) => value)).toEqual([undefined, 'ClusterStatusUnknown']);
    report('2026-01-01T00:00:40Z');
    await lifecycle.reconcile(key);
    expect(cluster().spec.taints).toEqual([{ key: 'maintenance', effect: 'NoExecute' }]);
  });
});
