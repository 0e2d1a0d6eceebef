// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { type FeedInventory, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { type NewEvent, silentLogger } from '@clusternet/runtime';
import { subscriptionIndexers } from './concern.ts';
import { SubscriptionScheduler, type SubscriptionSchedulerOptions } from './subscriptionScheduler.ts';
import { FakeSource } from './testing/fakeSource.ts';

function cluster(name: string, labels: Record<string, string> = {}): ManagedCluster {
  return {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { name, namespace: `ns-${name}`, labels },
    spec: { clusterId: '11111111-1111-1111-1111-111111111111', syncMode: 'Pull' },
  };
}

function subscription(name: string, spec: Partial<Subscription['spec']> = {}): Subscription {
  return {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, generation: 1 },
    spec: { subscribers: [{ clusterAffinity: {} }], feeds: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'c' }], ...spec },
  };
}

interface Write {
  object: Subscription;
  options: unknown;
}

/** The scheduler on fakes; what it applies comes back through the informer, as from an API server. */
class Bench {
  readonly subscriptions = new FakeSource<Subscription>(subscriptionIndexers);
  readonly clusters = new FakeSource<ManagedCluster>();
  readonly writes: Write[] = [];
  readonly events: NewEvent[] = [];
  readonly inventories = new FakeSource<FeedInventory>();
  scheduler!: SubscriptionScheduler;
  now = new Date('2026-01-01T00:00:00Z');

  async start(options: Partial<SubscriptionSchedulerOptions> = {}): Promise<void> {
    const apply = async (object: Subscription, options: unknown): Promise<Subscription> => {
      this.writes.push({ object, options });
      const present = this.subscriptions.get(`${object.metadata.namespace}/${object.metadata.name}`);
      if (present !== undefined) this.subscriptions.set({ ...present, status: { ...present.status, ...object.status } });
      return object;
    };
    this.scheduler = await SubscriptionScheduler.create({
      client: { resource: () => ({ apply }) } as unknown as Pick<KubeClient, 'resource' | 'request'>,
      subscriptions: this.subscriptions,
      clusters: this.clusters,
      inventories: this.inventories,
      recorder: { event: (_, event) => this.events.push(event) },
      logger: silentLogger,
      now: () => this.now,
      ...options,
    });
    await this.scheduler.start(new AbortController().signal);
    await this.scheduler.idle();
  }

  bindings(name: string): string[] | undefined {
    return this.subscriptions.get(`default/${name}`)?.status?.bindingClusters;
  }
}

let bench: Bench;

async function started(subscriptions: Subscription[], clusters: ManagedCluster[]): Promise<Bench> {
  bench = new Bench();
  for (const one of clusters) bench.clusters.set(one);
  for (const one of subscriptions) bench.subscriptions.set(one);
  await bench.start();
  return bench;
}

afterEach(() => bench.scheduler.close());

describe('SubscriptionScheduler', () => {
  it('applies the placement once, under its own name, for this very Subscription', async () => {
    const { writes, events } = await started([subscription('app')], [cluster('b'), cluster('a')]);
    expect(writes).toHaveLength(1);
    expect(writes[0]?.object).toMatchObject({
      metadata: { name: 'app', namespace: 'default', uid: 'uid-app' },
      status: {
        bindingClusters: ['ns-a/a', 'ns-b/b'],
        desiredReleases: 2,
        conditions: [{ type: 'Scheduled', status: 'True', reason: 'Scheduled', observedGeneration: 1 }],
      },
    });
    expect(writes[0]?.options).toEqual({ fieldManager: 'clusternet-scheduler', force: true, subresource: 'status' });
    expect(events).toMatchObject([{ type: 'Normal', reason: 'Scheduled' }]);
  });

  it('writes nothing when nothing changes, nor for what a cluster reports of itself', async () => {
    const { writes, clusters, subscriptions, scheduler } = await started([subscription('app')], [cluster('a')]);
    const present = subscriptions.get('default/app');
    if (present) subscriptions.set({ ...present });
    clusters.set({ ...cluster('a'), status: { k8sVersion: 'v1.35.4' } });
    await scheduler.idle();
    expect(writes).toHaveLength(1);
  });

  it('binds a cluster that joins to those that select it, and leaves the others alone', async () => {
    const eu = subscription('eu', { subscribers: [{ clusterAffinity: { matchLabels: { region: 'eu' } } }] });
    const us = subscription('us', { subscribers: [{ clusterAffinity: { matchLabels: { region: 'us' } } }] });
    const { writes, clusters, scheduler } = await started(
      [eu, us],
      [cluster('a', { region: 'eu' }), cluster('b', { region: 'us' })],
    );
    writes.length = 0;
    clusters.set(cluster('c', { region: 'eu' }));
    await scheduler.idle();
    expect(writes.map(({ object }) => object.metadata.name)).toEqual(['eu']);
    expect(bench.bindings('eu')).toEqual(['ns-a/a', 'ns-c/c']);
  });

  it('lets go of a cluster whose labels no longer match', async () => {
    const eu = subscription('eu', { subscribers: [{ clusterAffinity: { matchLabels: { region: 'eu' } } }] });
    const { clusters, scheduler } = await started([eu], [cluster('a', { region: 'eu' }), cluster('b', { region: 'eu' })]);
    clusters.set(cluster('b', { region: 'us' }));
    await scheduler.idle();
    expect(bench.bindings('eu')).toEqual(['ns-a/a']);
  });

  it('keeps a vanished cluster for its grace, and is content when it comes back', async () => {
    const { clusters, scheduler, subscriptions } = await started([subscription('app')], [cluster('a'), cluster('b')]);
    clusters.delete('ns-b/b');
    await scheduler.idle();
    expect(bench.bindings('app')).toEqual(['ns-a/a', 'ns-b/b']);

    clusters.set(cluster('b'));
    bench.now = new Date(bench.now.getTime() + 60_000);
    clusters.delete('ns-b/b');
    await scheduler.idle();
    expect(bench.bindings('app')).toEqual(['ns-a/a', 'ns-b/b']);

    bench.now = new Date(bench.now.getTime() + 30_000);
    const present = subscriptions.get('default/app');
    if (present) subscriptions.set({ ...present, metadata: { ...present.metadata, annotations: { looked: 'at again' } } });
    await scheduler.idle();
    expect(bench.bindings('app')).toEqual(['ns-a/a']);
  });

  it('leaves alone what is another scheduler’s, and what is being deleted', async () => {
    const foreign = subscription('foreign', { schedulerName: 'mine' });
    const deleting = subscription('deleting');
    deleting.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect((await started([foreign, deleting], [cluster('a')])).writes).toEqual([]);
  });

  it('says once that it cannot do something, and changes no binding', async () => {
    const spec = { schedulingStrategy: 'Dividing' as const, dividingScheduling: { type: 'Static' as const } };
    const { writes, events, clusters, scheduler } = await started([subscription('app', spec)], [cluster('a')]);
    clusters.set(cluster('b'));
    await scheduler.idle();
    expect(writes).toHaveLength(1);
    expect(writes[0]?.object.status).toMatchObject({ bindingClusters: [], conditions: [{ reason: 'Unschedulable' }] });
    expect(events).toMatchObject([{ type: 'Warning', reason: 'FailedScheduling' }]);
  });
});
