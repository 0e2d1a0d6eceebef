// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type ManagedCluster, type Subscription, type Taint } from '@clusternet/api-types';
import fc from 'fast-check';
import { decide, type Decision } from './decide.ts';

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

function run(shape: Shape, clusters: ManagedCluster[], absentForMs: () => number = () => 0): Decision {
  return decide({ subscription: subscription(shape), clusters, absentForMs, now });
}

const notReady: Taint = { key: 'clusters.clusternet.io/unschedulable', value: 'ClusterStatusUnknown', effect: 'NoSchedule' };
const eu = { matchLabels: { region: 'eu' } };

describe('decide', () => {
  it('binds every cluster that one of the subscribers selects, once and in order', () => {
    const clusters = [
      cluster('c', { labels: { region: 'eu' } }),
      cluster('a', { labels: { region: 'eu', tier: 'gold' } }),
      cluster('b'),
    ];
    const subscribers = [{ clusterAffinity: eu }, { clusterAffinity: { matchLabels: { tier: 'gold' } } }];
    const { bindings, scheduled } = run({ spec: { subscribers } }, clusters);
    expect(bindings).toEqual(['ns-a/a', 'ns-c/c']);
    expect(scheduled).toEqual({ status: 'True', reason: 'Scheduled', message: 'bound to 2 clusters' });
  });

  it('says with counts why no cluster is available', () => {
    const { bindings, scheduled } = run({ spec: { subscribers: [{ clusterAffinity: eu }] } }, [
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

  it('keeps a NoSchedule taint from evicting what runs', () => {
    const clusters = [cluster('a', { taints: [notReady] }), cluster('b', { taints: [notReady] }), cluster('c')];
    const { bindings, scheduled } = run({ bound: ['ns-a/a'] }, clusters);
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
  ])('evicts by NoExecute: %s', (_, clusterTolerations, bindings, recheckAfterMs) => {
    const taint: Taint = { key: 'broken', value: 'yes', effect: 'NoExecute', timeAdded: '2025-12-31T23:59:00Z' };
    const decision = run({ spec: { clusterTolerations }, bound: ['ns-a/a', 'ns-b/b'] }, [
      cluster('a', { taints: [taint] }),
      cluster('b'),
    ]);
    expect(decision.bindings).toEqual(bindings);
    expect(decision.recheckAfterMs).toBe(recheckAfterMs);
  });

  it('keeps a cluster that vanished for a while, as the hub may make it anew', () => {
    const shape = { bound: ['ns-a/a', 'ns-b/b'] };
    expect(run(shape, [cluster('b')], () => 10_000)).toMatchObject({ bindings: ['ns-a/a', 'ns-b/b'], recheckAfterMs: 20_000 });
    expect(run(shape, [cluster('b')], () => 30_000)).toMatchObject({ bindings: ['ns-b/b'] });
  });

  it('binds nothing new to a cluster that is being deleted', () => {
    const clusters = [cluster('a', { deleting: true }), cluster('b')];
    expect(run({}, clusters).bindings).toEqual(['ns-b/b']);
    expect(run({ bound: ['ns-a/a'] }, clusters).bindings).toEqual(['ns-a/a', 'ns-b/b']);
  });

  describe('that would remove everything everywhere', () => {
    const typo = { subscribers: [{ clusterAffinity: { matchLabels: { region: 'ue' } } }] };
    const clusters = [cluster('a', { labels: { region: 'eu' } }), cluster('b', { labels: { region: 'eu' } })];
    const bound = ['ns-a/a', 'ns-b/b'];

    it('is held, and says how to mend or approve it', () => {
      const { bindings, scheduled } = run({ spec: typo, bound }, clusters);
      expect(bindings).toEqual(bound);
      expect(scheduled).toMatchObject({ status: 'False', reason: 'MassRemovalHeld' });
      expect(scheduled.message).toContain('all 2 bound clusters');
    });

    it('goes through with the approval of this very plan', () => {
      const plan = /approve-plan=(\w+)/.exec(run({ spec: typo, bound }, clusters).scheduled.message)?.[1] ?? '';
      const annotations = { 'apps.clusternet.io/approve-plan': plan };
      expect(run({ spec: typo, bound, annotations }, clusters).bindings).toEqual([]);
      expect(run({ spec: typo, bound: ['ns-a/a'], annotations }, clusters).bindings).toEqual(['ns-a/a']);
    });

    it('goes through when the Subscription asks for no clusters at all', () => {
      expect(run({ spec: { subscribers: [] }, bound }, clusters)).toMatchObject({ bindings: [], scheduled: { status: 'True' } });
    });

    it('goes through when there are no feeds: nothing runs anywhere', () => {
      expect(run({ spec: { ...typo, feeds: [] }, bound }, clusters).bindings).toEqual([]);
    });

    it('is held though a cluster that vanished a moment ago is still bound', () => {
      const decision = run({ spec: typo, bound: [...bound, 'ns-x/x'] }, clusters, () => 1_000);
      expect(decision).toMatchObject({ bindings: [...bound, 'ns-x/x'], scheduled: { reason: 'MassRemovalHeld' } });
    });

    describe('by moving it to other clusters', () => {
      const elsewhere = [...clusters, cluster('c', { labels: { region: 'us' } })];
      const spec = { subscribers: [{ clusterAffinity: { matchLabels: { region: 'us' } } }] };
      const { specHash } = run({ spec }, elsewhere);

      it('goes through when the spec has changed: that is what it asks for', () => {
        expect(run({ spec, bound, specHash: 1 }, elsewhere).bindings).toEqual(['ns-c/c']);
      });

      it('is held when only labels have changed', () => {
        const decision = run({ spec, bound, specHash }, elsewhere);
        expect(decision).toMatchObject({ bindings: bound, scheduled: { status: 'False', reason: 'MassRemovalHeld' } });
        const plan = /approve-plan=(\w+)/.exec(decision.scheduled.message)?.[1] ?? '';
        const annotations = { 'apps.clusternet.io/approve-plan': plan };
        expect(run({ spec, bound, specHash, annotations }, elsewhere).bindings).toEqual(['ns-c/c']);
      });
    });

    it('is held when every cluster evicts at once', () => {
      const evicting = ['a', 'b'].map((name) => cluster(name, { taints: [{ key: 'broken', effect: 'NoExecute' }] }));
      expect(run({ bound }, evicting)).toMatchObject({ bindings: bound, scheduled: { reason: 'MassRemovalHeld' } });
    });

    it('never happens unasked, whatever clusters, bindings and taints there are', () => {
      const some = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
      fc.assert(
        fc.property(some, some, some, some, (existing, boundNames, tainted, selected) => {
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
          const { specHash } = run(shape, []);
          const stillThere = shape.bound.filter((key) => existing.some((name) => key === `ns-${name}/${name}`));
          const { bindings } = run({ ...shape, specHash: specHash ?? 0 }, all, () => 60_000);
          if (stillThere.length > 0) expect(bindings.some((key) => stillThere.includes(key))).toBe(true);
        }),
      );
    });

    it('is not held for clusters that are gone', () => {
      expect(run({ spec: typo, bound: ['ns-x/x'] }, clusters, () => 60_000).bindings).toEqual([]);
    });
  });

  it.each([
    ['Dividing', { schedulingStrategy: 'Dividing', dividingScheduling: { type: 'Static' } }, 'UnsupportedStrategy'],
    [
      'sub groups',
      { schedulingBySubGroup: true, subscribers: [{ clusterAffinity: {}, subGroupStrategy: {} }] },
      'UnsupportedStrategy',
    ],
    [
      'an unknown operator',
      { subscribers: [{ clusterAffinity: { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] } }] },
      'InvalidSubscription',
    ],
    ['a wrong type', { subscribers: 'all' }, 'InvalidSubscription'],
  ])('changes nothing for %s and says so', (_, spec, reason) => {
    expect(run({ spec, bound: ['ns-a/a'] }, [cluster('a'), cluster('b')])).toMatchObject({
      bindings: ['ns-a/a'],
      scheduled: { status: 'False', reason },
    });
  });

  it('keeps what it says short, however many reasons there are', () => {
    const clusters = Array.from({ length: 500 }, (_, i) =>
      cluster(`c${i}`, { taints: [{ key: 'rack', value: `r${i}`, effect: 'NoSchedule' }] }),
    );
    expect(run({}, clusters).scheduled.message).toMatch(/^0\/500 clusters are available: .*\.\.\.$/);
    expect(run({}, clusters).scheduled.message).toHaveLength(1024);
  });

  it('answers the same for any order of the clusters, sorted and without doubles', () => {
    const arbitrary = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 });
    const subscribers = [{ clusterAffinity: {} }, { clusterAffinity: {} }];
    fc.assert(
      fc.property(arbitrary, arbitrary, (clusterNames, boundNames) => {
        const clusters = clusterNames.map((name) => cluster(name));
        const bound = boundNames.map((name) => `ns-${name}/${name}`);
        const forwards = run({ spec: { subscribers }, bound }, clusters);
        const backwards = run({ spec: { subscribers }, bound: bound.toReversed() }, clusters.toReversed());
        expect(forwards).toEqual(backwards);
        expect(forwards.bindings).toEqual([...new Set(forwards.bindings)].sort());
      }),
    );
  });
});
