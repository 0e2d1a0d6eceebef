// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Base, type Description, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { describe, expect, it } from '@jest/globals';
import { coloursFor } from '../../output/colours.ts';
import { renderTree } from './render.ts';
import { buildTree, type Snapshot } from './tree.ts';

const at = '2026-01-01T00:00:00Z';
const now = Date.parse('2026-01-01T00:05:00Z');
const colours = coloursFor({});

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };
const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'config' };

function subscription(status: object, o: { deletionTimestamp?: string } = {}): Subscription {
  const metadata = { name: 'shop', namespace: 'default', uid: 'u', creationTimestamp: at, ...o };
  return {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata,
    spec: { subscribers: [], feeds: [web, config] },
    status,
  };
}

const scheduled = { type: 'Scheduled', status: 'True', reason: 'Bound', lastTransitionTime: at };

function cluster(name: string, conditions: object[] = []): ManagedCluster {
  return {
    metadata: { name, namespace: `ns-${name}` },
    spec: { clusterId: `id-${name}` },
    status: { conditions },
  } as unknown as ManagedCluster;
}

const base = (name: string): Base =>
  ({ metadata: { name: 'shop', namespace: `ns-${name}`, creationTimestamp: at }, spec: { feeds: [] } }) as unknown as Base;

function description(name: string, spec: object, status?: object): Description {
  return { metadata: { name: 'shop-generic', namespace: `ns-${name}`, generation: 2 }, spec, status } as unknown as Description;
}

const render = (snapshot: Snapshot): string => renderTree(buildTree(snapshot), { now, colours });

describe('the tree of a Subscription', () => {
  it('is done when every object is available everywhere', () => {
    const detail = { clusterId: 'id-eu', available: true, replicaStatus: { replicas: 3, availableReplicas: 3 } };
    const snapshot = {
      subscription: subscription({
        bindingClusters: ['ns-eu/eu'],
        conditions: [scheduled],
        aggregatedStatuses: [{ ...web, feedStatusDetails: [detail] }],
      }),
      clusters: [cluster('eu')],
      bases: [base('eu')],
      descriptions: [description('eu', {}, { phase: 'Success', observedGeneration: 2, manifestStatuses: [web, config] })],
    };
    expect(render(snapshot)).toBe(
      [
        '✓ Subscription default/shop        1/1 clusters done',
        '└─ ✓ eu                            Description shop-generic: Success',
        '   ├─ ✓ Deployment.apps shop/web   Available 3/3',
        '   └─ ✓ ConfigMap shop/config      Deployed',
        '',
      ].join('\n'),
    );
  });

  it('says what waits, what failed, and why', () => {
    const missing = { ...config, reason: 'FeedNotFound', message: 'no Manifest holds it', since: at };
    const refused = { reason: 'Forbidden', message: 'quota\nexceeded', since: at };
    const notReady = {
      type: 'Ready',
      status: 'Unknown',
      reason: 'ClusterStatusUnknown',
      message: 'no report',
      lastTransitionTime: at,
    };
    const snapshot = {
      subscription: subscription({ bindingClusters: ['ns-a/a', 'ns-b/b', 'ns-c/c', 'ns-d/d'], conditions: [scheduled] }),
      clusters: [cluster('a'), cluster('b', [notReady])],
      bases: [base('a'), base('b'), base('c')],
      descriptions: [
        description(
          'a',
          { skipped: [missing] },
          { phase: 'Failure', observedGeneration: 1, manifestStatuses: [{ ...web, error: refused }] },
        ),
        description('b', { removed: [{ ...web, name: 'old' }] }, { phase: 'Pending', observedGeneration: 1 }),
      ],
    };
    const tree = buildTree(snapshot);
    expect(tree.clusters.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'failed'],
      ['b', 'waiting'],
      ['c', 'waiting'],
      ['d', 'waiting'],
    ]);
    const text = render(snapshot);
    expect(text).toMatch(/✗ Subscription default\/shop +0\/4 clusters done/);
    expect(text).toMatch(/✗ Deployment\.apps shop\/web +Forbidden for 5m/);
    expect(text).toContain('quota exceeded');
    expect(text).toMatch(/✗ ConfigMap shop\/config +FeedNotFound for 5m/);
    expect(text).toContain('cluster not ready: ClusterStatusUnknown: no report (for 5m)');
    expect(text).toMatch(/… Deployment\.apps shop\/old +Removing/);
    expect(text).toContain('NotRendered: the override-engine has not rendered it yet');
    expect(text).toContain('NoBase: the hub has not made its Base yet');
  });

  it('does not take an older rendering for the newest', () => {
    const snapshot = {
      subscription: subscription({ bindingClusters: ['ns-eu/eu'], conditions: [scheduled] }),
      clusters: [],
      bases: [base('eu')],
      descriptions: [description('eu', {}, { phase: 'Success', observedGeneration: 1, manifestStatuses: [web, config] })],
    };
    expect(buildTree(snapshot).clusters[0]?.objects.map(({ word }) => word)).toEqual(['Waiting', 'Waiting']);
  });

  it('shows workloads that are on their way', () => {
    const detail = { clusterId: 'id-eu', available: false, replicaStatus: { replicas: 3, availableReplicas: 1 } };
    const snapshot = {
      subscription: subscription({
        bindingClusters: ['ns-eu/eu'],
        conditions: [scheduled],
        aggregatedStatuses: [{ ...web, feedStatusDetails: [detail] }],
      }),
      clusters: [cluster('eu')],
      bases: [base('eu')],
      descriptions: [description('eu', {}, { observedGeneration: 2, manifestStatuses: [web, config] })],
    };
    expect(render(snapshot)).toMatch(/… Deployment\.apps shop\/web +Progressing 1\/3/);
    expect(buildTree(snapshot).state).toBe('waiting');
  });

  it('knows a Subscription nobody has looked at, one that cannot be scheduled, and one that goes', () => {
    const nothing = { clusters: [], bases: [], descriptions: [] };
    expect(buildTree({ ...nothing, subscription: subscription({}) })).toMatchObject({
      state: 'waiting',
      causes: [{ reason: 'NotScheduledYet' }],
    });
    const unfit = {
      type: 'Scheduled',
      status: 'False',
      reason: 'NoClusterFits',
      message: 'no labels match',
      lastTransitionTime: at,
    };
    expect(buildTree({ ...nothing, subscription: subscription({ conditions: [unfit] }) })).toMatchObject({ state: 'failed' });
    expect(render({ ...nothing, subscription: subscription({ conditions: [scheduled] }, { deletionTimestamp: at }) })).toMatch(
      /Deleting/,
    );
  });
});
