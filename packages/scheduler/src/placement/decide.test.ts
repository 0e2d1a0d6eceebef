// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type ManagedCluster, type Subscription, type Taint } from '@clusternet/api-types';
import fc from 'fast-check';
import { look } from '../testing/framework.ts';
import { type Decision } from './decide.ts';

const now = new Date('2026-01-01T00:00:00Z');

function cluster(name: string, { labels = {}, taints = [] as Taint[], deleting = false } = {}): ManagedCluster {
  return {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: {
      name,
      namespace: `ns-${name}`,
      labels,
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { clusterId: '11111111-1111-1111-1111-111111111111', syncMode: 'Pull', taints },
  };
}

interface Shape {
  spec?: Record<string, unknown>;
  bound?: string[];
  annotations?: Record<string, string>;
  specHash?: number;
}

const feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'settings' };

function subscription({ spec = {}, bound = [], annotations = {}, specHash }: Shape = {}): Subscription {
  return {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name: 'app', namespace: 'default', uid: 'u1', annotations },
    spec: { subscribers: [{ clusterAffinity: {} }], feeds: [feed], ...spec },
    status: { bindingClusters: bound, specHash },
  };
}

async function run(shape: Shape, clusters: ManagedCluster[], absentForMs: () => number = () => 0): Promise<Decision> {
  return (await look(subscription(shape), clusters, { absentForMs, now })).decision;
}

const notReady: Taint = { key: 'clusters.clusternet.io/unschedulable', value: 'ClusterStatusUnknown', effect: 'NoSchedule' };
const eu = { matchLabels: { region: 'eu' } };

describe('decide', () => {
  it('binds every cluster that one of the subscribers selects, once and in order', async () => {
    const clusters = [
      cluster('c', { labels: { region: 'eu' } }),
      cluster('a', { labels: { region: 'eu', tier: 'gold' } }),
      cluster('b'),
    ];
    const subscribers = [{ clusterAffinity: eu }, { clusterAffinity: { matchLabels: { tier: 'gold' } } }];
    const { bindings, scheduled } = await run({ spec: { subscribers } }, clusters);
    expect(bindings).toEqual(['ns-a/a', 'ns-c/c']);
    expect(scheduled).toEqual({ status: 'True', reason: 'Scheduled', message: 'bound to 2 clusters' });
  });

  it('says with counts why no cluster is available', async () => {
    const { bindings, scheduled } = await run({ spec: { subscribers: [{ clusterAffinity: eu }] } }, [
      cluster('a'),
      cluster('b'),
      cluster('c', { labels: { region: 'eu' }, taints: [notReady] }),
    ]);
    expect(bindings).toEqual([]);
    expect(scheduled).toEqual({
      status: 'False',
      reason: 'NoClusterAvailable',
      message:
        '0/3 clusters are available: 2 did not match the cluster affinity, ' +
        '1 had untolerated taint {clusters.clusternet.io/unschedulable: ClusterStatusUnknown}.',
    });
  });

  it('keeps a NoSchedule taint from evicting what runs', async () => {
    const clusters = [cluster('a', { taints: [notReady] }), cluster('b', { taints: [notReady] }), cluster('c')];
    const { bindings, scheduled } = await run({ bound: ['ns-a/a'] }, clusters);
    expect(bindings).toEqual(['ns-a/a', 'ns-c/c']);
    expect(scheduled.message).toBe(
      'bound to 2 clusters; left out: 1 had untolerated taint {clusters.clusternet.io/unschedulable: ClusterStatusUnknown}',
    );
  });

  it.each([
    ['without a toleration', [], ['ns-b/b'], undefined],
    ['tolerated for good', [{ key: 'broken', operator: 'Exists' }], ['ns-a/a', 'ns-b/b'], undefined],
    ['tolerated for a while yet', [{ operator: 'Exists', tolerationSeconds: 90 }], ['ns-a/a', 'ns-b/b'], 30_000],
    ['tolerated for a while that is over', [{ operator: 'Exists', tolerationSeconds: 60 }], ['ns-b/b'], undefined],
    ['tolerated with another value', [{ key: 'broken', value: 'no' }], ['ns-b/b'], undefined],
  ])('evicts by NoExecute: %s', async (_, clusterTolerations, bindings, recheckAfterMs) => {
    const taint: Taint = { key: 'broken', value: 'yes', effect: 'NoExecute', timeAdded: '2025-12-31T23:59:00Z' };
    const decision = await run({ spec: { clusterTolerations }, bound: ['ns-a/a', 'ns-b/b'] }, [
      cluster('a', { taints: [taint] }),
      cluster('b'),
    ]);
    expect(decision.bindings).toEqual(bindings);
    expect(decision.recheckAfterMs).toBe(recheckAfterMs);
  });

  it('keeps a cluster that vanished for a while, as the hub may make it anew', async () => {
    const shape = { bound: ['ns-a/a', 'ns-b/b'] };
    expect(await run(shape, [cluster('b')], () => 10_000)).toMatchObject({
      bindings: ['ns-a/a', 'ns-b/b'],
      recheckAfterMs: 20_000,
    });
    expect(await run(shape, [cluster('b')], () => 30_000)).toMatchObject({ bindings: ['ns-b/b'] });
    const short = async (absentMs: number) =>
      (await look(subscription(shape), [cluster('b')], { absentForMs: () => absentMs, vanishedGraceMs: 3_000 })).decision;
    expect(await short(2_000)).toMatchObject({ bindings: ['ns-a/a', 'ns-b/b'], recheckAfterMs: 1_000 });
    expect(await short(3_000)).toMatchObject({ bindings: ['ns-b/b'] });
  });

  it('binds nothing new to a cluster that is being deleted', async () => {
    const clusters = [cluster('a', { deleting: true }), cluster('b')];
    expect((await run({}, clusters)).bindings).toEqual(['ns-b/b']);
    expect((await run({ bound: ['ns-a/a'] }, clusters)).bindings).toEqual(['ns-a/a', 'ns-b/b']);
  });

  describe('that would remove everything everywhere', () => {
    const typo = { subscribers: [{ clusterAffinity: { matchLabels: { region: 'ue' } } }] };
    const clusters = [cluster('a', { labels: { region: 'eu' } }), cluster('b', { labels: { region: 'eu' } })];
    const bound = ['ns-a/a', 'ns-b/b'];

    it('is held, and says how to mend or approve it', async () => {
      const { bindings, scheduled } = await run({ spec: typo, bound }, clusters);
      expect(bindings).toEqual(bound);
      expect(scheduled).toMatchObject({ status: 'False', reason: 'MassRemovalHeld' });
      expect(scheduled.message).toContain('all 2 bound clusters');
    });

    it('goes through with the approval of this very plan', async () => {
      const plan = /approve-plan=(\w+)/.exec((await run({ spec: typo, bound }, clusters)).scheduled.message)?.[1] ?? '';
      const annotations = { 'apps.clusternet.io/approve-plan': plan };
      expect((await run({ spec: typo, bound, annotations }, clusters)).bindings).toEqual([]);
      expect((await run({ spec: typo, bound: ['ns-a/a'], annotations }, clusters)).bindings).toEqual(['ns-a/a']);
    });

    it('goes through when the Subscription asks for no clusters at all', async () => {
      expect(await run({ spec: { subscribers: [] }, bound }, clusters)).toMatchObject({
        bindings: [],
        scheduled: { status: 'True' },
      });
    });

    it('goes through when there are no feeds: nothing runs anywhere', async () => {
      expect((await run({ spec: { ...typo, feeds: [] }, bound }, clusters)).bindings).toEqual([]);
    });

    it('is held though a cluster that vanished a moment ago is still bound', async () => {
      const decision = await run({ spec: typo, bound: [...bound, 'ns-x/x'] }, clusters, () => 1_000);
      expect(decision).toMatchObject({ bindings: [...bound, 'ns-x/x'], scheduled: { reason: 'MassRemovalHeld' } });
    });

    describe('by moving it to other clusters', () => {
      const elsewhere = [...clusters, cluster('c', { labels: { region: 'us' } })];
      const spec = { subscribers: [{ clusterAffinity: { matchLabels: { region: 'us' } } }] };
      const hash = async () => (await run({ spec }, elsewhere)).specHash;

      it('goes through when the spec has changed: that is what it asks for', async () => {
        expect((await run({ spec, bound, specHash: 1 }, elsewhere)).bindings).toEqual(['ns-c/c']);
      });

      it('is held when only labels have changed', async () => {
        const decision = await run({ spec, bound, specHash: await hash() }, elsewhere);
        expect(decision).toMatchObject({ bindings: bound, scheduled: { status: 'False', reason: 'MassRemovalHeld' } });
        const plan = /approve-plan=(\w+)/.exec(decision.scheduled.message)?.[1] ?? '';
        const annotations = { 'apps.clusternet.io/approve-plan': plan };
        expect((await run({ spec, bound, specHash: await hash(), annotations }, elsewhere)).bindings).toEqual(['ns-c/c']);
      });
    });

    it('is held when every cluster evicts at once', async () => {
      const evicting = ['a', 'b'].map((name) => cluster(name, { taints: [{ key: 'broken', effect: 'NoExecute' }] }));
      expect(await run({ bound }, evicting)).toMatchObject({ bindings: bound, scheduled: { reason: 'MassRemovalHeld' } });
    });

    it('never happens unasked, whatever clusters, bindings and taints there are', async () => {
      const some = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
      await fc.assert(
        fc.asyncProperty(some, some, some, some, async (existing, boundNames, tainted, selected) => {
          const all = existing.map((name) =>
            cluster(name, {
              labels: { chosen: String(selected.includes(name)) },
              taints: tainted.includes(name) ? [{ key: 'broken', effect: 'NoExecute' }] : [],
            }),
          );
          const shape = {
            spec: { subscribers: [{ clusterAffinity: { matchLabels: { chosen: 'true' } } }] },
            bound: boundNames.map((name) => `ns-${name}/${name}`),
          };
          const { specHash } = await run(shape, []);
          const stillThere = shape.bound.filter((key) => existing.some((name) => key === `ns-${name}/${name}`));
          const { bindings } = await run({ ...shape, specHash: specHash ?? 0 }, all, () => 60_000);
          if (stillThere.length > 0) expect(bindings.some((key) => stillThere.includes(key))).toBe(true);
        }),
      );
    });

    it('is not held for clusters that are gone', async () => {
      expect((await run({ spec: typo, bound: ['ns-x/x'] }, clusters, () => 60_000)).bindings).toEqual([]);
    });
  });

  it.each([
    [
      'Dividing without an inventory',
      { schedulingStrategy: 'Dividing', dividingScheduling: { type: 'Static' } },
      'Unschedulable',
    ],
    ['Dividing without saying how', { schedulingStrategy: 'Dividing' }, 'InvalidSubscription'],
    ['sub groups without their sizes', { schedulingBySubGroup: true }, 'InvalidSubscription'],
    ['a negative weight', { subscribers: [{ clusterAffinity: {}, weight: -1 }] }, 'InvalidSubscription'],
    [
      'an unknown operator',
      { subscribers: [{ clusterAffinity: { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] } }] },
      'InvalidSubscription',
    ],
    ['a wrong type', { subscribers: 'all' }, 'InvalidSubscription'],
  ])('changes nothing for %s and says so', async (_, spec, reason) => {
    expect(await run({ spec, bound: ['ns-a/a'] }, [cluster('a'), cluster('b')])).toMatchObject({
      bindings: ['ns-a/a'],
      scheduled: { status: 'False', reason },
    });
  });

  it('keeps what it says short, however many reasons there are', async () => {
    const clusters = Array.from({ length: 500 }, (_, i) =>
      cluster(`c${i}`, { taints: [{ key: 'rack', value: `r${i}`, effect: 'NoSchedule' }] }),
    );
    expect((await run({}, clusters)).scheduled.message).toMatch(/^0\/500 clusters are available: .*\.\.\.$/);
    expect((await run({}, clusters)).scheduled.message).toHaveLength(1024);
  });

  it('answers the same for any order of the clusters, sorted and without doubles', async () => {
    const arbitrary = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 });
    const subscribers = [{ clusterAffinity: {} }, { clusterAffinity: {} }];
    await fc.assert(
      fc.asyncProperty(arbitrary, arbitrary, async (clusterNames, boundNames) => {
        const clusters = clusterNames.map((name) => cluster(name));
        const bound = boundNames.map((name) => `ns-${name}/${name}`);
        const forwards = await run({ spec: { subscribers }, bound }, clusters);
        const backwards = await run({ spec: { subscribers }, bound: bound.toReversed() }, clusters.toReversed());
        expect(forwards).toEqual(backwards);
        expect(forwards.bindings).toEqual([...new Set(forwards.bindings)].sort());
      }),
    );
  });
});
