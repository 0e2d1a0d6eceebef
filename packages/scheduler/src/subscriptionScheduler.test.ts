// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { type FeedInventory, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { type NewEvent, silentLogger } from '@clusternet/runtime';
import { subscriptionIndexers } from './concern.ts';
import { SubscriptionScheduler, type SubscriptionSchedulerOptions } from './subscriptionScheduler.ts';
import { type FrameworkHandle, type PluginRegistry } from './framework/plugin.ts';
import { type ProfileConfig } from './framework/profile.ts';
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
  /** Called once with each write, before it is there. */
  beforeWrite: (() => void) | undefined;
  /** Writes have versions, and are heard of after they are answered. */
  versions = false;

  async start(options: Partial<SubscriptionSchedulerOptions> = {}): Promise<void> {
    const apply = async (object: Subscription, options: unknown): Promise<Subscription> => {
      this.beforeWrite?.();
      this.writes.push({ object, options });
      const present = this.subscriptions.get(`${object.metadata.namespace}/${object.metadata.name}`);
      const resourceVersion = String(this.writes.length);
      const metadata = { ...present?.metadata, ...object.metadata, ...(this.versions ? { resourceVersion } : {}) };
      const written = { ...object, ...present, metadata, status: { ...present?.status, ...object.status } };
      if (this.versions) setTimeout(() => this.subscriptions.set(written), 5);
      else if (present !== undefined) this.subscriptions.set(written);
      return written;
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

describe('profiles', () => {
  const second: ProfileConfig = { schedulerName: 'second', plugins: { preFilter: { enabled: [{ name: 'Mine' }] } } };
  const profiles: ProfileConfig[] = [{ schedulerName: 'default' }, second];

  it('decide their own Subscriptions, and one that hangs or throws holds up no other', async () => {
    bench = new Bench();
    bench.clusters.set(cluster('a'));
    for (let i = 0; i < 5; i++) bench.subscriptions.set(subscription(`stuck${i}`, { schedulerName: 'second' }));
    bench.subscriptions.set(subscription('free'));
    const hanging: PluginRegistry = { Mine: () => ({ name: 'Mine', preFilter: () => new Promise<undefined>(() => undefined) }) };
    void bench.start({ profiles, plugins: hanging, pluginTimeoutMs: 30 }).catch(() => undefined);
    await seen(() => bench.bindings('free')?.length === 1);
    await seen(() => [0, 1, 2, 3, 4].every((i) => conditionOf(`stuck${i}`)?.reason === 'PluginFailed'));
    expect(conditionOf('stuck0')?.message).toMatch(/plugin Mine failed at preFilter/);
    expect(bench.bindings('stuck0')).toEqual([]);
  });

  it('bind when a Permit plugin allows it, while others are decided', async () => {
    bench = new Bench();
    bench.clusters.set(cluster('a'));
    for (const name of ['waits', 'free']) bench.subscriptions.set(subscription(name));
    let handle: FrameworkHandle | undefined;
    const permitting: PluginRegistry = {
      Gate: (_, given) => {
        handle = given;
        return { name: 'Gate', permit: (cycle) => (cycle.subscription.metadata.name === 'waits' ? { code: 'Wait' } : undefined) };
      },
    };
    const gated: ProfileConfig = { schedulerName: 'default', plugins: { permit: { enabled: [{ name: 'Gate' }] } } };
    void bench.start({ profiles: [gated], plugins: permitting });
    await seen(() => bench.bindings('free')?.length === 1 && handle?.waiting('default/waits') !== undefined);
    expect(bench.bindings('waits')).toBeUndefined();
    expect(handle?.waiting('default/waits')?.pending).toEqual(['Gate']);
    handle?.waiting('default/waits')?.allow('Gate');
    await seen(() => bench.bindings('waits')?.length === 1);
  });

  it('do not hold a Subscription that changed to the permit that its old state waits for', async () => {
    bench = new Bench();
    bench.clusters.set(cluster('a', { region: 'eu' }));
    bench.clusters.set(cluster('b', { region: 'us' }));
    bench.subscriptions.set(subscription('app', { subscribers: [{ clusterAffinity: { matchLabels: { region: 'eu' } } }] }));
    let handle: FrameworkHandle | undefined;
    const given: string[] = [];
    const permitting: PluginRegistry = {
      Gate: (_, own) => {
        handle = own;
        return {
          name: 'Gate',
          reserve: () => void given.push('reserved'),
          unreserve: () => void given.push('given back'),
          permit: (cycle) => (cycle.subscription.metadata.generation === 1 ? { code: 'Wait' } : undefined),
        };
      },
    };
    const points = { reserve: { enabled: [{ name: 'Gate' }] }, permit: { enabled: [{ name: 'Gate' }] } };
    void bench.start({ profiles: [{ schedulerName: 'default', plugins: points }], plugins: permitting });
    await seen(() => handle?.waiting('default/app') !== undefined);
    const changed = subscription('app', { subscribers: [{ clusterAffinity: { matchLabels: { region: 'us' } } }] });
    bench.subscriptions.set({ ...changed, metadata: { ...changed.metadata, generation: 2 } });
    await seen(() => bench.bindings('app')?.join() === 'ns-b/b');
    expect(given).toEqual(['reserved', 'given back', 'reserved']);
  });

  it('let go of a Subscription that waits for room when it becomes another one’s', async () => {
    bench = new Bench();
    const none: PluginRegistry = { Mine: () => ({ name: 'Mine', filter: () => ({ code: 'Unschedulable', reasons: ['no'] }) }) };
    const refusing: ProfileConfig = { schedulerName: 'default', plugins: { filter: { enabled: [{ name: 'Mine' }] } } };
    bench.clusters.set({ ...cluster('a'), status: { allocatable: { cpu: '1' } } });
    bench.subscriptions.set(subscription('app'));
    await bench.start({ profiles: [refusing, { schedulerName: 'second' }], plugins: none });
    expect(conditionOf('app')?.status).toBe('False');
    const moved = bench.subscriptions.get('default/app');
    if (moved)
      bench.subscriptions.set({
        ...moved,
        metadata: { ...moved.metadata, generation: 2 },
        spec: { ...moved.spec, schedulerName: 'second' },
      });
    bench.clusters.set({ ...cluster('a'), status: { allocatable: { cpu: '9' } } });
    await seen(() => bench.bindings('app')?.length === 1);
    bench.writes.length = 0;
    // Longer than room that changed is waited with.
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await bench.scheduler.idle();
    expect(bench.writes).toEqual([]);
    expect(conditionOf('app')?.status).toBe('True');
  });

  it('take back what they reserved when a later plugin refuses', async () => {
    bench = new Bench();
    bench.clusters.set(cluster('a'));
    bench.subscriptions.set(subscription('app'));
    const calls: string[] = [];
    const reserving: PluginRegistry = {
      Keeper: () => ({
        name: 'Keeper',
        reserve: () => void calls.push('reserve'),
        unreserve: () => void calls.push('unreserve'),
        permit: () => ({ code: 'Unschedulable', reasons: ['it is too late today'] }),
      }),
    };
    const points = { reserve: { enabled: [{ name: 'Keeper' }] }, permit: { enabled: [{ name: 'Keeper' }] } };
    await bench.start({ profiles: [{ schedulerName: 'default', plugins: points }], plugins: reserving });
    expect(calls).toEqual(['reserve', 'unreserve']);
    expect(conditionOf('app')).toMatchObject({ reason: 'Unschedulable', message: 'Keeper: it is too late today' });
  });
});

describe('dividing', () => {
  const feed = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };
  const spec: Partial<Subscription['spec']> = {
    schedulingStrategy: 'Dividing',
    dividingScheduling: { type: 'Dynamic', dynamicDividing: {} },
    feeds: [feed],
  };
  const inventory = (name: string, desiredReplicas: number): FeedInventory => ({
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'FeedInventory',
    metadata: { name, namespace: 'default' },
    spec: {
      feeds: [
        {
          ...feed,
          desiredReplicas,
          replicaJsonPath: '/spec/replicas',
          replicaRequirements: { resources: { requests: { cpu: '1' } } },
        },
      ],
    },
  });
  const sized = (name: string, cpu: string): ManagedCluster => ({ ...cluster(name), status: { allocatable: { cpu } } });
  const sharesOf = (name: string) => Object.values(bench.subscriptions.get(`default/${name}`)?.status?.replicas ?? {})[0];

  it('waits for the inventory, and follows it', async () => {
    await started([subscription('app', spec)], [sized('a', '8'), sized('b', '4')]);
    expect(conditionOf('app')?.message).toMatch(/waits for FeedInventory/);
    bench.inventories.set(inventory('app', 6));
    await seen(() => sharesOf('app')?.join() === '4,2');
    bench.inventories.set(inventory('app', 3));
    await seen(() => sharesOf('app')?.join() === '2,1');
  });

  it('gives nobody the room that another was promised', async () => {
    bench = new Bench();
    bench.clusters.set(sized('a', '10'));
    for (const name of ['one', 'two']) {
      bench.subscriptions.set(subscription(name, spec));
      bench.inventories.set(inventory(name, 6));
    }
    await bench.start();
    expect([sharesOf('one'), sharesOf('two')].flat().sort()).toEqual([4, 6]);
  });

  it('serves the higher priority first', async () => {
    bench = new Bench();
    bench.clusters.set(sized('a', '10'));
    for (const [name, priority] of [
      ['low', 1],
      ['high', 100],
    ] as const) {
      bench.subscriptions.set(subscription(name, { ...spec, priority }));
      bench.inventories.set(inventory(name, 8));
    }
    await bench.start();
    expect([sharesOf('high'), sharesOf('low')]).toEqual([[8], [2]]);
  });

  it('comes back also for room that came while it was being written that there is none', async () => {
    bench = new Bench();
    bench.versions = true;
    bench.clusters.set(sized('a', '4'));
    bench.subscriptions.set(subscription('lacking', spec));
    bench.inventories.set(inventory('lacking', 6));
    bench.beforeWrite = () => {
      bench.beforeWrite = undefined;
      bench.clusters.set(sized('a', '40'));
    };
    await bench.start();
    await seen(() => sharesOf('lacking')?.join() === '6');
  });

  it('takes back what was promised to a Subscription that went while it was decided', async () => {
    bench = new Bench();
    bench.clusters.set(sized('a', '10'));
    bench.subscriptions.set(subscription('gone', spec));
    bench.inventories.set(inventory('gone', 8));
    bench.beforeWrite = () => {
      bench.beforeWrite = undefined;
      bench.subscriptions.delete('default/gone');
      throw new Error('there is no such Subscription');
    };
    await bench.start();
    bench.subscriptions.set(subscription('next', spec));
    bench.inventories.set(inventory('next', 10));
    await seen(() => sharesOf('next')?.join() === '10');
  });

  it('lets answers come in between decisions', async () => {
    bench = new Bench();
    bench.clusters.set(cluster('a'));
    for (let i = 0; i < 10; i++) bench.subscriptions.set(subscription(`app${i}`));
    let turn = 0;
    let watching: NodeJS.Immediate | undefined;
    const next = (): void => {
      turn++;
      watching = setImmediate(next);
    };
    next();
    const turns: number[] = [];
    const noting: PluginRegistry = { Note: () => ({ name: 'Note', preFilter: () => void turns.push(turn) }) };
    await bench.start({
      profiles: [{ schedulerName: 'default', plugins: { preFilter: { enabled: [{ name: 'Note' }] } } }],
      plugins: noting,
    });
    clearImmediate(watching);
    expect(new Set(turns).size).toBe(turns.length);
  });

  it('decides once for what it has written itself', async () => {
    let decided = 0;
    const counting: PluginRegistry = { Count: () => ({ name: 'Count', preFilter: () => void decided++ }) };
    bench = new Bench();
    bench.versions = true;
    bench.clusters.set(cluster('a'));
    bench.subscriptions.set(subscription('app'));
    const profile: ProfileConfig = { schedulerName: 'default', plugins: { preFilter: { enabled: [{ name: 'Count' }] } } };
    await bench.start({ profiles: [profile], plugins: counting });
    await seen(() => bench.bindings('app')?.join() === 'ns-a/a');
    await bench.scheduler.idle();
    expect(decided).toBe(1);
  });

  it('comes back to those who lack room when a cluster they select has more, and wakes nobody else for it', async () => {
    bench = new Bench();
    bench.clusters.set(sized('a', '4'));
    for (const name of ['lacking', 'content']) {
      bench.subscriptions.set(subscription(name, { ...spec, priority: name === 'content' ? 1 : 0 }));
      bench.inventories.set(inventory(name, name === 'lacking' ? 6 : 1));
    }
    await bench.start();
    bench.writes.length = 0;
    bench.clusters.set(sized('a', '40'));
    await seen(() => sharesOf('lacking')?.join() === '6');
    expect(new Set(bench.writes.map(({ object }) => object.metadata.name))).toEqual(new Set(['lacking']));
  });
});

function conditionOf(name: string) {
  return bench.subscriptions.get(`default/${name}`)?.status?.conditions?.find(({ type }) => type === 'Scheduled');
}

async function seen(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come to be');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
