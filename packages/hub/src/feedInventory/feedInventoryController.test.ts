// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  apiVersionOf,
  type FeedInventory,
  feedKey,
  type KubeObject,
  type HelmChart,
  type Manifest,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { fakeContext } from '../testing/context.ts';
import { putSubscription, webFeed } from '../testing/placed.ts';
import { byFeed, byKind, FeedInventoryController, feedOfManifest, withoutContents } from './feedInventoryController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: FeedInventoryController;
const manifests = new Map<string, Manifest>();
const charts = new Map<string, HelmChart>();
const key = 'shop/app';

beforeEach(() => {
  surroundings = fakeContext();
  manifests.clear();
  charts.clear();
  const silent = { onChange: () => () => undefined };
  const find = (index: string, value: string) =>
    [...manifests.values()].filter((one) =>
      (index === byFeed ? feedOfManifest(one) : index === byKind ? [one.template.kind] : []).includes(value),
    );
  controller = new FeedInventoryController(surroundings.context, {
    manifests: { ...silent, get: (name) => manifests.get(name), list: () => [...manifests.values()], byIndex: find },
    helmCharts: { ...silent, get: (name) => charts.get(name), list: () => [], byIndex: () => [] },
  });
});

function feed(template: KubeObject): void {
  const name = `${template.kind}.${template.metadata.name}`.toLowerCase();
  const manifest: Manifest = {
    apiVersion: apiVersionOf(resources.manifests),
    kind: 'Manifest',
    metadata: { name, namespace: 'clusternet-reserved' },
    template,
  };
  manifests.set(name, withoutContents(manifest));
}

const web = (replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas, template: { spec: { containers: [{ resources: { requests: { cpu: '500m' } } }] } } },
});

function dividing(o: Parameters<typeof putSubscription>[1] = {}): Subscription {
  const placed = putSubscription(surroundings.cluster, o);
  const spec = { ...placed.spec, schedulingStrategy: 'Dividing' as const, dividingScheduling: { type: 'Static' as const } };
  return surroundings.cluster.put<Subscription>(resources.subscriptions, { ...placed, spec });
}

const inventory = () => surroundings.cluster.get<FeedInventory>(resources.feedInventories, key);

describe('the FeedInventory of a Subscription that divides', () => {
  it('lists its feeds in their order, belongs to it, and is written only when something differs', async () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'c' };
    feed(web(4));
    feed({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'shop' }, data: { large: 'x' } });
    const { metadata } = dividing({ feeds: [config, webFeed] });
    await controller.reconcile(key);
    expect(inventory()).toMatchObject({
      metadata: { name: 'app', namespace: 'shop', ownerReferences: [{ kind: 'Subscription', uid: metadata.uid }] },
      spec: {
        feeds: [
          config,
          {
            ...webFeed,
            desiredReplicas: 4,
            replicaJsonPath: '/spec/replicas',
            replicaRequirements: { resources: { requests: { cpu: '500m' } } },
          },
        ],
      },
    });
    expect(inventory()?.spec.feeds[0]?.desiredReplicas).toBeUndefined();
    surroundings.cluster.writes.length = 0;
    await controller.reconcile(key);
    expect(surroundings.cluster.writes).toEqual([]);
    feed(web(5));
    await controller.reconcile(key);
    expect(inventory()?.spec.feeds[1]?.desiredReplicas).toBe(5);
  });

  it('is not made while a feed is missing, and stays as it was when one vanishes', async () => {
    dividing();
    await controller.reconcile(key);
    expect(inventory()).toBeUndefined();
    const message = `${feedKey(webFeed)}: there is no Manifest of it yet`;
    expect(surroundings.events).toMatchObject([{ type: 'Warning', reason: 'UnParseableFeeds', message }]);
    feed(web(4));
    await controller.reconcile(key);
    manifests.clear();
    await controller.reconcile(key);
    expect(inventory()?.spec.feeds[0]?.desiredReplicas).toBe(4);
  });

  it('reads charts and kinds whose definition is a feed too', async () => {
    const chart = { apiVersion: 'apps.clusternet.io/v1alpha1', kind: 'HelmChart', namespace: 'shop', name: 'web' };
    const farm = { apiVersion: 'example.com/v1', kind: 'Farm', namespace: 'shop', name: 'f' };
    charts.set('shop/web', {
      apiVersion: chart.apiVersion,
      kind: 'HelmChart',
      metadata: { name: 'web', annotations: { 'apps.clusternet.io/replicas-path': '/n', 'apps.clusternet.io/replicas': '3' } },
      spec: {} as HelmChart['spec'],
    });
    feed({ apiVersion: farm.apiVersion, kind: 'Farm', metadata: { name: 'f', namespace: 'shop' }, spec: { size: 7 } });
    feed({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'farms.example.com' },
      spec: {
        group: 'example.com',
        names: { kind: 'Farm' },
        versions: [{ name: 'v1', schema: { large: 'x' }, subresources: { scale: { specReplicasPath: '.spec.size' } } }],
      },
    });
    expect(
      JSON.stringify([...manifests.values()].filter((one) => one.template.kind === 'CustomResourceDefinition')),
    ).not.toContain('large');
    dividing({ feeds: [chart, farm] });
    await controller.reconcile(key);
    expect(inventory()?.spec.feeds).toEqual([
      { ...chart, desiredReplicas: 3, replicaJsonPath: '/n' },
      { ...farm, desiredReplicas: 7, replicaJsonPath: '/spec/size' },
    ]);
  });

  it('is left to whoever made it', async () => {
    feed(web(4));
    dividing();
    surroundings.cluster.put<FeedInventory>(resources.feedInventories, {
      apiVersion: apiVersionOf(resources.feedInventories),
      kind: 'FeedInventory',
      metadata: { name: 'app', namespace: 'shop' },
      spec: { feeds: [{ ...webFeed, desiredReplicas: 40, replicaJsonPath: '/spec/replicas' }] },
    });
    await controller.reconcile(key);
    expect(inventory()?.spec.feeds[0]?.desiredReplicas).toBe(40);
  });

  it('is not needed for Replication', async () => {
    feed(web(4));
    putSubscription(surroundings.cluster, {});
    await controller.reconcile(key);
    expect(inventory()).toBeUndefined();
  });
});
