// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  annotations,
  type Base,
  type FeedInventory,
  feedKey,
  type Localization,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { fakeContext } from '../testing/context.ts';
import { putCluster, putSubscription, webFeed } from '../testing/placed.ts';
import { SubscriptionController } from './subscriptionController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: SubscriptionController;
const key = 'shop/app';

beforeEach(() => {
  surroundings = fakeContext();
  controller = new SubscriptionController(surroundings.context, 60_000, () => 0);
  for (const n of [1, 2]) putCluster(surroundings.cluster, n);
});

function put(replicas: Record<string, number[]>, o: { feeds?: (typeof webFeed)[]; strategy?: 'Replication' } = {}): void {
  const { cluster } = surroundings;
  const previous = cluster.get<Subscription>(resources.subscriptions, key);
  const placed = putSubscription(cluster, {
    bound: [1, 2],
    ...(o.feeds ? { feeds: o.feeds } : {}),
    ...(previous ? { previous } : {}),
  });
  cluster.put<Subscription>(resources.subscriptions, {
    ...placed,
    spec: { ...placed.spec, schedulingStrategy: o.strategy ?? 'Dividing', dividingScheduling: { type: 'Static' } },
    status: { ...placed.status, replicas },
  });
}

function inventory(feeds: FeedInventory['spec']['feeds']): void {
  surroundings.cluster.put<FeedInventory>(resources.feedInventories, {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'FeedInventory',
    metadata: { name: 'app', namespace: 'shop' },
    spec: { feeds },
  });
}

const divided = { ...webFeed, desiredReplicas: 5, replicaJsonPath: '/spec/replicas' };
const bases = () => surroundings.cluster.list<Base>(resources.bases);
const localizations = () => surroundings.cluster.list<Localization>(resources.localizations);
const shares = () => localizations().map(({ metadata, spec }) => [metadata.namespace, spec.overrides?.[0]?.value]);

describe('a divided Subscription', () => {
  it('gets a Localization per cluster with its share, which the Base names and owns', async () => {
    inventory([divided]);
    put({ [feedKey(webFeed)]: [3, 2] });
    await controller.reconcile(key);
    expect(shares()).toEqual([
      ['ns1', '[{"path":"/spec/replicas","value":3,"op":"add"}]'],
      ['ns2', '[{"path":"/spec/replicas","value":2,"op":"add"}]'],
    ]);
    const [base] = bases();
    const [localization] = localizations();
    expect(base?.metadata.annotations?.[annotations.awaitsLocalizations]).toBe(localization?.metadata.name);
    expect(localization).toMatchObject({
      metadata: { ownerReferences: [{ kind: 'Base', uid: base?.metadata.uid, controller: true }] },
      spec: { overridePolicy: 'ApplyNow', priority: 1000, feed: webFeed, overrides: [{ name: 'dividing scheduling replicas' }] },
    });
  });

  it('costs one write per cluster whose share changes, and none when none does', async () => {
    inventory([divided]);
    put({ [feedKey(webFeed)]: [3, 2] });
    await controller.reconcile(key);
    surroundings.cluster.writes.length = 0;
    await controller.reconcile(key);
    expect(surroundings.cluster.writes).toEqual([]);
    put({ [feedKey(webFeed)]: [4, 2] });
    surroundings.cluster.writes.length = 0;
    await controller.reconcile(key);
    expect(surroundings.cluster.writes).toHaveLength(1);
    expect(shares()[0]).toEqual(['ns1', '[{"path":"/spec/replicas","value":4,"op":"add"}]']);
  });

  it('gives a chart its share as a value', async () => {
    const chart = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'web' };
    inventory([{ ...chart, desiredReplicas: 5, replicaJsonPath: '/web/replicaCount' }]);
    put({ [feedKey(chart)]: [3, 2] }, { feeds: [chart] });
    await controller.reconcile(key);
    expect(localizations()[0]?.spec.overrides).toMatchObject([{ type: 'Helm', value: '{"web":{"replicaCount":3}}' }]);
  });

  it.each<[string, Record<string, number[]>, FeedInventory['spec']['feeds']]>([
    ['is not divided yet', {}, [divided]],
    ['has a list of another length', { [feedKey(webFeed)]: [5] }, [divided]],
    ['has no inventory', { [feedKey(webFeed)]: [3, 2] }, []],
    ['has no path', { [feedKey(webFeed)]: [3, 2] }, [{ ...webFeed, desiredReplicas: 5 }]],
  ])('is deployed nowhere while it %s: that would be the full number everywhere', async (_, replicas, feeds) => {
    inventory(feeds);
    put(replicas);
    await controller.reconcile(key);
    expect(bases()).toEqual([]);
    expect(surroundings.events).toMatchObject([{ type: 'Warning', reason: 'BadSchedulingResult' }]);
  });

  it('keeps what it has while a new feed is not divided yet', async () => {
    inventory([divided]);
    put({ [feedKey(webFeed)]: [3, 2] });
    await controller.reconcile(key);
    put({ [feedKey(webFeed)]: [3, 2] }, { feeds: [webFeed, { ...webFeed, name: 'api' }] });
    await controller.reconcile(key);
    expect(bases().map(({ spec }) => spec.feeds.length)).toEqual([1, 1]);
  });

  it('loses its Localizations when it is divided no longer, after the Base has stopped to wait for them', async () => {
    inventory([divided]);
    put({ [feedKey(webFeed)]: [3, 2] });
    await controller.reconcile(key);
    put({}, { strategy: 'Replication' });
    surroundings.cluster.writes.length = 0;
    await controller.reconcile(key);
    expect(localizations()).toEqual([]);
    expect(bases()[0]?.metadata.annotations?.[annotations.awaitsLocalizations]).toBeUndefined();
    const ofFirst = surroundings.cluster.writes
      .filter((write) => write.includes('ns1/'))
      .map((write) => write.split(' ').slice(0, 2).join(' '));
    expect(ofFirst).toEqual(['patch bases', 'delete localizations']);
  });
});
