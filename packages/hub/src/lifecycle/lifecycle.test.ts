// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  annotations,
  type Base,
  type Condition,
  labels,
  type ManagedCluster,
  names,
  resources,
  taints,
} from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { fakeContext } from '../testing/context.ts';
import { putCluster, putDescription } from '../testing/placed.ts';
import { type HeartbeatLease } from './heartbeat.ts';
import { Lifecycle, type LifecycleSettings } from './lifecycle.ts';

let surroundings: ReturnType<typeof fakeContext>;
let monotonic: number;
let lifecycle: Lifecycle;

beforeEach(() => {
  surroundings = fakeContext();
  monotonic = 0;
  lifecycle = make();
});

const failover = { afterMs: 60_000, intervalMs: 10_000, maxShare: 0.5 };

function make(settings: Partial<LifecycleSettings> = {}): Lifecycle {
  return new Lifecycle(surroundings.context, { failover, clusterInit: false, ...settings }, () => monotonic);
}

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
    expect(surroundings.cluster.writes).toHaveLength(1);
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

describe('a Lease', () => {
  function renew(at: string): void {
    surroundings.cluster.put<HeartbeatLease>(core.leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: names.heartbeatLease, namespace: 'ns1' },
      spec: { renewTime: at },
    });
  }

  it('that is renewed keeps a cluster alive whose report does not change', async () => {
    putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    for (let beat = 0; beat < 10; beat++) {
      renew(`2026-01-01T00:00:0${beat}.000000Z`);
      await lifecycle.reconcile(key);
      monotonic += 20_000;
    }
    expect(ready()?.status).toBe('True');
    expect(surroundings.cluster.writes).toHaveLength(1);
    monotonic += 30_000;
    await lifecycle.reconcile(key);
    expect(ready()?.status).toBe('Unknown');
  });

  it('of a cluster that was given up is news, any other is not', async () => {
    putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    renew('2026-01-01T00:00:00.000000Z');
    lifecycle.start();
    try {
      monotonic = 10_000;
      renew('2026-01-01T00:00:10.000000Z');
      monotonic = 39_000;
      await expect(lifecycle.reconcile(key)).resolves.toEqual({ requeueAfterMs: 1_000 });
    } finally {
      await lifecycle.close();
    }
  });
});

describe('failover', () => {
  const lost = (n: number): string => `ns${n}/child${n}`;
  const get = (n: number): ManagedCluster =>
    surroundings.cluster.get<ManagedCluster>(resources.managedClusters, lost(n)) as ManagedCluster;
  const leaves = (n: number): boolean => get(n).spec.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
  const reasons = (): string[] => surroundings.events.map(({ reason, object }) => `${object} ${reason}`);

  function putReady(n: number, status: 'True' | 'False' = 'True', at = '2026-01-01T00:00:00Z'): void {
    const present =
      surroundings.cluster.get<ManagedCluster>(resources.managedClusters, lost(n)) ?? putCluster(surroundings.cluster, n);
    const reason = status === 'True' ? 'ManagedClusterReady' : 'ManagedClusterNotReady';
    const others = (present.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    surroundings.cluster.put(resources.managedClusters, {
      ...present,
      status: {
        lastObservedTime: at,
        heartbeatFrequencySeconds: 10,
        conditions: [...others, { type: 'Ready', status, reason, message: '', lastTransitionTime: at }],
      },
    });
  }

  /** Every cluster is looked at as often as it asked for, until `until`. */
  async function pass(until: number, ...clusters: number[]): Promise<void> {
    for (; monotonic <= until; monotonic += 1_000) for (const n of clusters) await lifecycle.reconcile(lost(n));
  }

  const alive = async (until: number, ...clusters: number[]): Promise<void> => {
    for (; monotonic <= until; monotonic += 5_000) {
      for (const n of clusters) putReady(n, 'True', new Date(monotonic).toISOString());
      for (const { metadata } of surroundings.cluster.list<ManagedCluster>(resources.managedClusters))
        await lifecycle.reconcile(`${metadata.namespace ?? ''}/${metadata.name}`);
    }
  };

  it('begins when a cluster has been silent for so long, says so, and keeps the time', async () => {
    for (const n of [1, 2, 3]) putReady(n);
    await alive(85_000, 2, 3);
    expect(ready()?.status).toBe('Unknown');
    expect(leaves(1)).toBe(false);
    await alive(100_000, 2, 3);
    expect(get(1).spec.taints).toEqual([
      { key: taints.unschedulable, value: 'ClusterStatusUnknown', effect: 'NoSchedule' },
      { key: taints.unreachable, value: 'ClusterStatusUnknown', effect: 'NoExecute', timeAdded: '2026-01-02T00:00:00Z' },
    ]);
    expect(reasons()).toContain('child1 FailingOver');
    surroundings.clock.now += 60_000;
    surroundings.cluster.writes.length = 0;
    await alive(200_000, 2, 3);
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('ends with the first report', async () => {
    for (const n of [1, 2, 3]) putReady(n);
    await alive(120_000, 2, 3);
    expect(leaves(1)).toBe(true);
    await alive(130_000, 1, 2, 3);
    expect(get(1).spec.taints).toEqual([]);
    // And a cluster that fails again has all of its time again.
    await alive(200_000, 2, 3);
    expect(leaves(1)).toBe(false);
  });

  it('does not begin for a cluster that comes and goes', async () => {
    for (const n of [1, 2, 3]) putReady(n);
    for (let round = 1; round <= 5; round++) {
      await alive(monotonic + 80_000, 2, 3);
      expect(ready()?.status).toBe('Unknown');
      await alive(monotonic + 5_000, 1, 2, 3);
    }
    expect(reasons().filter((reason) => reason.includes('FailingOver'))).toEqual([]);
  });

  it('begins for a cluster whose API server fails too, under another key', async () => {
    for (const n of [2, 3]) putReady(n);
    putReady(1, 'False');
    for (; monotonic < 70_000; monotonic += 5_000) {
      putReady(1, 'False', new Date(monotonic).toISOString());
      for (const n of [2, 3]) putReady(n, 'True', new Date(monotonic).toISOString());
      await lifecycle.reconcile(lost(1));
    }
    expect(get(1).spec.taints?.find(({ effect }) => effect === 'NoExecute')?.key).toBe(taints.notReady);
  });

  it('is held when more than the share fail at once, says so once, and goes on when they are back', async () => {
    const all = [1, 2, 3, 4, 5, 6];
    for (const n of all) putReady(n);
    await alive(200_000, 5, 6);
    expect(all.filter(leaves)).toEqual([]);
    expect(reasons().filter((reason) => reason.endsWith('FailoverHeld'))).toHaveLength(4);
    await alive(300_000, 2, 3, 4, 5, 6);
    expect(all.filter(leaves)).toEqual([1]);
  });

  it('writes no more for a failing fleet than twice per cluster', async () => {
    const all = Array.from({ length: 10 }, (_, index) => index + 1);
    for (const n of all) putReady(n);
    await pass(1_000, ...all);
    surroundings.cluster.writes.length = 0;
    await pass(300_000, ...all);
    expect(surroundings.cluster.writes).toHaveLength(20);
    expect(surroundings.events).toHaveLength(20);
  });

  it('leaves clusters one after the other', async () => {
    const all = Array.from({ length: 10 }, (_, index) => index + 1);
    for (const n of all) putReady(n);
    await alive(90_000, 1, 2, 3, 4, 5, 6);
    expect(all.filter(leaves)).toHaveLength(1);
    await alive(100_000, 1, 2, 3, 4, 5, 6);
    expect(all.filter(leaves)).toHaveLength(2);
    await alive(140_000, 1, 2, 3, 4, 5, 6);
    expect(all.filter(leaves)).toEqual([7, 8, 9, 10]);
  });

  it('does not count clusters that were left long ago, nor ones that never reported', async () => {
    const all = [1, 2, 3, 4, 5, 6];
    for (const n of all) putReady(n);
    await alive(150_000, 3, 4, 5, 6);
    expect(all.filter(leaves)).toEqual([1, 2]);
    for (const n of [7, 8, 9]) putCluster(surroundings.cluster, n);
    await alive(700_000, 3, 4, 5, 6);
    await alive(900_000, 5, 6);
    expect(all.filter(leaves)).toEqual([1, 2, 3, 4]);
    expect([7, 8, 9].filter(leaves)).toEqual([]);
  });

  it('can be turned off', async () => {
    lifecycle = make({ failover: { ...failover, afterMs: 0 } });
    for (const n of [1, 2, 3]) putReady(n);
    await alive(1_000_000, 2, 3);
    expect(leaves(1)).toBe(false);
  });
});

describe('initialisation', () => {
  beforeEach(() => {
    lifecycle = make({ clusterInit: true });
  });
  const init = (): Condition | undefined => cluster().status?.conditions?.find(({ type }) => type === 'ClusterInit');
  const pending = { key: taints.initialization, value: 'ClusterInitWaiting', effect: 'NoSchedule' };

  function putBase(name: string, marks: Record<string, string> = { [annotations.isDefaultClusterInit]: 'true' }): Base {
    return surroundings.cluster.put<Base>(resources.bases, {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Base',
      metadata: { name, namespace: 'ns1', annotations: marks },
      spec: { feeds: [] },
    });
  }
  const describe_ = (base: Base, phase: 'Success' | 'Failure') => {
    const pairs = { [labels.configKind]: 'Base', [labels.configUid]: base.metadata.uid ?? '' };
    putDescription(surroundings.cluster, { ...base, metadata: { ...base.metadata, labels: pairs } }, { phase });
  };

  it('keeps others away until everything of the newest default Base is deployed, and is never taken back', async () => {
    putCluster(surroundings.cluster, 1, { taints: [{ key: 'theirs', effect: 'NoSchedule' }] });
    report('2026-01-01T00:00:00Z');
    await lifecycle.reconcile(key);
    expect(init()).toMatchObject({ status: 'False', reason: 'ClusterInitWaiting' });
    expect(cluster().spec.taints).toEqual([{ key: 'theirs', effect: 'NoSchedule' }, pending]);

    putBase('older');
    const base = putBase('newer');
    await lifecycle.reconcile(key);
    expect(cluster().spec.clusterInitBaseName).toBe('newer');
    describe_(base, 'Failure');
    await lifecycle.reconcile(key);
    expect(init()?.message).toBe('1 of 1 Descriptions of Base newer are not deployed yet');
    describe_(base, 'Success');
    await lifecycle.reconcile(key);
    expect(init()).toMatchObject({ status: 'True', reason: 'ClusterInitDone' });
    await lifecycle.reconcile(key);
    expect(cluster().spec.taints).toEqual([{ key: 'theirs', effect: 'NoSchedule' }]);

    describe_(base, 'Failure');
    surroundings.cluster.remove(resources.bases, 'ns1/newer');
    await lifecycle.reconcile(key);
    expect(init()?.status).toBe('True');
  });

  it('does not write down a Base that is gone', async () => {
    putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    putBase('gone');
    surroundings.cluster.remove(resources.bases, 'ns1/gone');
    await lifecycle.reconcile(key);
    expect(cluster().spec.clusterInitBaseName).toBeUndefined();
  });

  it('takes the Base that the cluster names, and skips where it says so', async () => {
    const put = putCluster(surroundings.cluster, 1);
    report('2026-01-01T00:00:00Z');
    putBase('default');
    putBase('own', {});
    const mark = (marks: Record<string, string>) =>
      surroundings.cluster.put(resources.managedClusters, {
        ...cluster(),
        metadata: { ...put.metadata, annotations: marks },
      });
    mark({ [annotations.skipClusterInit]: 'true' });
    await lifecycle.reconcile(key);
    expect(init()).toMatchObject({ status: 'True', reason: 'ClusterInitDisabled' });
    mark({ [annotations.clusterInitBase]: 'own' });
    await lifecycle.reconcile(key);
    expect(cluster().spec.clusterInitBaseName).toBe('own');
  });

  it('removes both of its taints at once', async () => {
    const unready = { key: taints.unschedulable, value: 'x', effect: 'NoSchedule' };
    lifecycle = make();
    putCluster(surroundings.cluster, 1, { taints: [pending, unready] });
    report('2026-01-01T00:00:00Z');
    await lifecycle.reconcile(key);
    expect(cluster().spec.taints).toEqual([]);
  });
});
