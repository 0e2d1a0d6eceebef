// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Base, finalizers, labels, type ResourceDefinition, resources, type Subscription } from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { type Namespace } from '../kube/objects.ts';
import { fakeContext } from '../testing/context.ts';
import { idOf, putCluster, putDescription, putSubscription, webFeed } from '../testing/placed.ts';
import { SubscriptionController } from './subscriptionController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: SubscriptionController;
let monotonic: number;
const key = 'shop/app';

beforeEach(() => {
  surroundings = fakeContext();
  monotonic = 0;
  controller = new SubscriptionController(surroundings.context, 60_000, () => monotonic);
  for (const n of [1, 2, 3]) putCluster(surroundings.cluster, n);
});

function bases(): Base[] {
  return surroundings.cluster.list<Base>(resources.bases);
}

function subscription(): Subscription | undefined {
  return surroundings.cluster.get<Subscription>(resources.subscriptions, key);
}

function finishDeletions(): void {
  for (const base of bases()) {
    if (base.metadata.deletionTimestamp)
      surroundings.cluster.remove(resources.bases, `${base.metadata.namespace ?? ''}/${base.metadata.name}`);
  }
}

describe('a bound Subscription', () => {
  it('gets one Base per cluster, and its finalizer with one write', async () => {
    const { metadata } = putSubscription(surroundings.cluster, { bound: [1, 2] });
    await controller.reconcile(key);
    expect(bases().map((base) => base.metadata.namespace)).toEqual(['ns1', 'ns2']);
    expect(bases()[0]).toMatchObject({
      metadata: {
        finalizers: [finalizers.default],
        labels: {
          [labels.createdBy]: 'clusternet-controller-manager',
          [labels.configKind]: 'Subscription',
          [labels.subsName]: 'app',
          [labels.subsNamespace]: 'shop',
          [labels.subsUid]: metadata.uid,
          [labels.clusterId]: idOf(1),
          [labels.clusterName]: 'child1',
        },
      },
      spec: { feeds: [webFeed] },
    });
    expect(surroundings.cluster.writes).toHaveLength(3);
  });

  it('marks its Bases where every cluster is to be initialised with it, and takes that back', async () => {
    const mark = 'apps.clusternet.io/is-default-cluster-init';
    const put = (annotations: Record<string, string> | undefined) => {
      const present = putSubscription(surroundings.cluster, { bound: [1], previous: subscription() });
      surroundings.cluster.put(resources.subscriptions, { ...present, metadata: { ...present.metadata, annotations } });
    };
    put({ [mark]: 'true' });
    await controller.reconcile(key);
    expect(bases()[0]?.metadata.annotations).toEqual({ [mark]: 'true' });
    put(undefined);
    await controller.reconcile(key);
    expect(bases()[0]?.metadata.annotations?.[mark]).toBeUndefined();
  });

  it('never gets a second Base for a cluster, whoever repeats the pass', async () => {
    putSubscription(surroundings.cluster, { bound: [1, 2] });
    await Promise.all(
      [controller.reconcile(key), new SubscriptionController(surroundings.context, 0).reconcile(key)].map((pass) =>
        pass.catch(() => undefined),
      ),
    );
    surroundings.cluster.writes.length = 0;
    await controller.reconcile(key);
    expect(bases()).toHaveLength(2);
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('passes changed feeds on, and loses the Bases of clusters that left', async () => {
    const previous = putSubscription(surroundings.cluster, { bound: [1, 2] });
    await controller.reconcile(key);
    const feed = { ...webFeed, name: 'api' };
    putSubscription(surroundings.cluster, { bound: [2, 3], feeds: [webFeed, feed], previous: subscription() ?? previous });
    await controller.reconcile(key);
    finishDeletions();
    expect(bases().map((base) => [base.metadata.namespace, base.spec.feeds.length])).toEqual([
      ['ns2', 2],
      ['ns3', 2],
    ]);
  });

  it('keeps everything while no scheduler has decided, as after a restore from a backup', async () => {
    putSubscription(surroundings.cluster, { bound: [1] });
    await controller.reconcile(key);
    const restored = { ...subscription(), status: undefined } as Subscription;
    surroundings.cluster.put(resources.subscriptions, restored);
    await controller.reconcile(key);
    expect(bases().filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
  });

  it('removes nothing on the word of a decision that it cannot read', async () => {
    const bound = putSubscription(surroundings.cluster, { bound: [1] });
    await controller.reconcile(key);
    const previous = subscription() ?? bound;
    surroundings.cluster.put(resources.subscriptions, {
      ...previous,
      status: { ...previous.status, bindingClusters: ['child1', 'ns2/child2'] },
    });
    await controller.reconcile(key);
    expect(bases().map(({ metadata }) => [metadata.namespace, metadata.deletionTimestamp])).toEqual([
      ['ns1', undefined],
      ['ns2', undefined],
    ]);
    expect(surroundings.events).toMatchObject([{ type: 'Warning', reason: 'BindingUnreadable' }]);
  });

  it('tells of a cluster that is gone and serves the others', async () => {
    const namespace = surroundings.cluster.get<Namespace>(core.namespaces, 'ns1') as Namespace;
    surroundings.cluster.put(core.namespaces, { ...namespace, status: { phase: 'Terminating' } });
    putSubscription(surroundings.cluster, { bound: [1, 2, 9] });
    await controller.reconcile(key);
    expect(bases().map((base) => base.metadata.namespace)).toEqual(['ns2']);
    expect(surroundings.events.map(({ reason, message }) => `${reason} ${message}`)).toEqual([
      'BindingImpossible cluster child1: namespace ns1 is being deleted',
      'BindingImpossible cluster child9: namespace ns9 does not exist or does not belong to a registered cluster',
    ]);
  });

  it('writes into no namespace that is not a cluster\u2019s own', async () => {
    surroundings.cluster.put(core.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns7' } });
    putSubscription(surroundings.cluster, { bound: [7] });
    await controller.reconcile(key);
    expect(bases()).toEqual([]);
  });

  it('with a long name carries no name labels, and still finds its Bases', async () => {
    const name = `a${'b'.repeat(250)}`;
    putSubscription(surroundings.cluster, { bound: [1], name });
    await controller.reconcile(`shop/${name}`);
    await controller.reconcile(`shop/${name}`);
    expect(bases()).toHaveLength(1);
    expect(bases()[0]?.metadata.labels).not.toHaveProperty(labels.subsName);
    expect(bases()[0]?.metadata.name.length).toBeLessThanOrEqual(240);
  });
});

describe('a cluster that is being emptied', () => {
  const ready = (status: 'True' | 'Unknown') => ({
    conditions: [{ type: 'Ready', status, reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  });
  const drained = { taints: [{ key: 'clusters.clusternet.io/cordoned', effect: 'NoExecute' }] };
  const live = (): string[] =>
    bases()
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.namespace ?? '');
  const describeIn = (namespace: string, o: { available: boolean }): void => {
    const base = bases().find(({ metadata }) => metadata.namespace === namespace);
    if (!base) throw new Error(`no Base in ${namespace}`);
    const pairs = { ...base.metadata.labels, [labels.configUid]: base.metadata.uid ?? '', [labels.configKind]: 'Base' };
    const counts = {
      replicas: 2,
      readyReplicas: o.available ? 2 : 0,
      availableReplicas: o.available ? 2 : 0,
      updatedReplicas: 2,
    };
    const observedStatus = { observedGeneration: 1, ...counts };
    putDescription(
      surroundings.cluster,
      { ...base, metadata: { ...base.metadata, labels: pairs } },
      { phase: 'Success', observedGeneration: 1, manifestStatuses: [{ ...webFeed, observedStatus }] },
    );
  };

  async function move(o: { from?: 'True' | 'Unknown'; to?: 'True' | 'Unknown'; taints?: object } = {}): Promise<unknown> {
    const bound = putSubscription(surroundings.cluster, { bound: [1] });
    await controller.reconcile(key);
    putCluster(surroundings.cluster, 1, o.taints ?? drained, ready(o.from ?? 'True'));
    putCluster(surroundings.cluster, 2, {}, ready(o.to ?? 'True'));
    putSubscription(surroundings.cluster, {
      bound: [2],
      previous: { ...bound, metadata: subscription()?.metadata ?? bound.metadata },
    });
    return controller.reconcile(key);
  }

  it('keeps its copy until the new one is up', async () => {
    expect(await move()).toEqual({ requeueAfterMs: 60_000 });
    expect(live()).toEqual(['ns1', 'ns2']);
    describeIn('ns2', { available: false });
    await controller.reconcile(key);
    expect(live()).toEqual(['ns1', 'ns2']);
    describeIn('ns2', { available: true });
    expect(await controller.reconcile(key)).toBeUndefined();
    expect(live()).toEqual(['ns2']);
  });

  it('keeps it no longer than its time', async () => {
    await move();
    monotonic = 59_999;
    await controller.reconcile(key);
    expect(live()).toEqual(['ns1', 'ns2']);
    monotonic = 60_000;
    await controller.reconcile(key);
    expect(live()).toEqual(['ns2']);
  });

  it.each<[string, Parameters<typeof move>[0]]>([
    ['the old cluster does not answer', { from: 'Unknown' }],
    ['the new cluster does not answer', { to: 'Unknown' }],
    ['nobody empties the cluster, but the Subscription went elsewhere', { taints: {} }],
  ])('does not wait where %s', async (_, o) => {
    await move(o);
    expect(live()).toEqual(['ns2']);
  });
});

describe('a deleted Subscription', () => {
  it('waits until its Bases are gone', async () => {
    putSubscription(surroundings.cluster, { bound: [1, 2] });
    await controller.reconcile(key);
    await surroundings.cluster.resource(resources.subscriptions).delete({ name: 'app', namespace: 'shop' });
    await controller.reconcile(key);
    expect(bases().every(({ metadata }) => metadata.deletionTimestamp)).toBe(true);
    expect(subscription()).toBeDefined();
    finishDeletions();
    await controller.reconcile(key);
    expect(subscription()).toBeUndefined();
  });

  it('asks once for each Base to go, however long the cache still shows it', async () => {
    const { cluster, context } = surroundings;
    putSubscription(cluster, { bound: [1, 2] });
    await controller.reconcile(key);
    const shown = bases();
    const stores = { ...context.stores, bases: { ...context.stores.bases, byIndex: () => shown } };
    const lagging = new SubscriptionController({ ...context, stores }, 60_000);
    await cluster.resource(resources.subscriptions).delete({ name: 'app', namespace: 'shop' });
    cluster.writes.length = 0;
    for (let pass = 0; pass < 3; pass++) await lagging.reconcile(key);
    expect(cluster.writes.map((write) => write.split('/')[0])).toEqual(['delete bases ns1', 'delete bases ns2']);
    expect(bases().every(({ metadata }) => metadata.deletionTimestamp)).toBe(true);
  });

  it('asks again for what was refused', async () => {
    const { cluster, context } = surroundings;
    putSubscription(cluster, { bound: [1] });
    await controller.reconcile(key);
    await cluster.resource(resources.subscriptions).delete({ name: 'app', namespace: 'shop' });
    const refusals = [new Error('the API server is away')];
    const resource = (definition: ResourceDefinition) => {
      const client = cluster.resource(definition);
      const refusal = refusals.pop();
      return refusal ? { ...client, delete: () => Promise.reject(refusal) } : client;
    };
    const api = { ...cluster, resource, request: () => Promise.reject(new Error('no')) } as unknown as typeof context.api;
    const again = new SubscriptionController({ ...context, api }, 60_000);
    await expect(again.reconcile(key)).rejects.toThrow('the API server is away');
    await again.reconcile(key);
    expect(bases()[0]?.metadata.deletionTimestamp).toBeDefined();
  });

  it('whose finalizer was taken away leaves no Base behind', async () => {
    putSubscription(surroundings.cluster, { bound: [1] });
    await controller.reconcile(key);
    surroundings.cluster.remove(resources.subscriptions, key);
    await controller.reconcile(key);
    expect(bases().every(({ metadata }) => metadata.deletionTimestamp)).toBe(true);
  });
});
