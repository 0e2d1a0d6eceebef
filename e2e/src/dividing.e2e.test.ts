// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { feedKey, type KubeObject, type ManagedCluster, resources, type Subscription } from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import { startSystem, type System } from '@clusternet/localup';
import { customKind } from './testing/customKind.ts';
import { eventually } from './testing/eventually.ts';
import { conditionLine, deployment, namespace, Publisher } from './testing/feeds.ts';
import { logDir } from './testing/logDir.ts';
import { quickElection } from './testing/quickElection.ts';

/** Another profile than the default one, so that the file is read as the chart brings it. */
const configuration = {
  profiles: [
    { schedulerName: 'default' },
    { schedulerName: 'careless', plugins: { filter: { disabled: [{ name: 'TaintToleration' }] } } },
  ],
};

let system: System;
let parent: KubeClient;
let publisher: Publisher;
const children = new Map<string, KubeClient>();

beforeAll(async () => {
  system = await startSystem({
    children: [
      { name: 'small', nodes: 1, capacity: { cpu: '4' }, syncMode: 'Pull', labels: { tier: 'iron' } },
      { name: 'medium', nodes: 1, capacity: { cpu: '8' }, syncMode: 'Pull', labels: { tier: 'gold' } },
      { name: 'large', nodes: 2, capacity: { cpu: '6' }, syncMode: 'Pull', labels: { tier: 'gold' } },
    ],
    values: {
      hub: { extraArgs: quickElection },
      scheduler: { extraArgs: quickElection, configuration },
      'override-engine': { extraArgs: quickElection },
      agent: { extraArgs: { ...quickElection, 'cluster-status-collect-frequency': '1s' } },
    },
    logDir: logDir(),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  publisher = new Publisher(parent);
  for (const { name, kubeconfigPath } of system.children)
    children.set(name, await KubeClient.fromKubeConfig({ path: kubeconfigPath }));
}, 1_200_000);

afterAll(async () => {
  await Promise.all([parent, ...children.values()].map((client) => client?.close()));
  await system?.close();
}, 120_000);

type Spec = Partial<Subscription['spec']>;

function web(ns: string, replicas: number, cpu = '1'): KubeObject {
  const made = deployment(ns, 'web', replicas);
  const spec = made['spec'] as { template: { spec: { containers: object[] } } };
  spec.template.spec.containers = [{ name: 'web', image: 'nginx:1.29', resources: { requests: { cpu } } }];
  return made;
}

async function subscribe(name: string, spec: Spec): Promise<void> {
  await parent.resource<Subscription>(resources.subscriptions).apply(
    {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Subscription',
      metadata: { name, namespace: 'default' },
      spec: { subscribers: [{ clusterAffinity: {} }], feeds: [], ...spec },
    },
    { fieldManager: 'e2e', force: true },
  );
}

/** Replicas of `web` in each cluster that has it. */
async function running(ns: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [name, client] of children) {
    const found = await client.resource(core.deployments).find({ name: 'web', namespace: ns });
    const { readyReplicas = 0 } = (found?.['status'] ?? {}) as { readyReplicas?: number };
    const { replicas } = (found?.['spec'] ?? {}) as { replicas?: number };
    if (found !== undefined) counts[name] = replicas === readyReplicas ? readyReplicas : -1;
  }
  return counts;
}

/** Every number of replicas that `web` was ever asked to have, over all clusters. */
function history(ns: string): { seen: Set<number>; stop: () => void } {
  const seen = new Set<number>();
  const stopped = new AbortController();
  for (const client of children.values()) {
    void (async () => {
      for await (const { object } of client.resource(core.deployments).watch({ namespace: ns, signal: stopped.signal })) {
        const { replicas } = (object['spec'] ?? {}) as { replicas?: number };
        if (replicas !== undefined) seen.add(replicas);
      }
    })().catch(() => undefined);
  }
  return { seen, stop: () => stopped.abort() };
}

async function taint(name: string, taints: ManagedCluster['spec']['taints']): Promise<void> {
  const clusters = parent.resource<ManagedCluster>(resources.managedClusters);
  const found = (await clusters.list()).items.find(
    ({ metadata }) => metadata.name.startsWith(name) || metadata.labels?.['clusters.clusternet.io/cluster-name'] === name,
  );
  if (found === undefined) throw new Error(`there is no cluster ${name}`);
  const { metadata } = found;
  await clusters.patch({ name: metadata.name, namespace: metadata.namespace }, { spec: { taints } }, { type: 'merge' });
}

const gold = { clusterAffinity: { matchLabels: { tier: 'gold' } } };
const iron = { clusterAffinity: { matchLabels: { tier: 'iron' } } };
const dynamic = (dynamicDividing: object = {}): Spec => ({
  schedulingStrategy: 'Dividing',
  dividingScheduling: { type: 'Dynamic', dynamicDividing },
});

describe('replicas', () => {
  it('are all in each cluster under Replication', async () => {
    await subscribe('replicated', { feeds: await publisher.feed(namespace('replicated'), web('replicated', 2, '10m')) });
    await eventually(async () => expect(await running('replicated')).toEqual({ small: 2, medium: 2, large: 2 }));
    await publisher.unsubscribe('replicated');
  });

  it('are divided by weight, at no moment in full anywhere, and follow the number and the weights', async () => {
    const { seen, stop } = history('static');
    const feeds = await publisher.feed(namespace('static'), web('static', 9, '10m'));
    const byWeight = (heavy: number): Spec => ({
      schedulingStrategy: 'Dividing',
      dividingScheduling: { type: 'Static' },
      subscribers: [
        { ...gold, weight: heavy },
        { ...iron, weight: 1 },
      ],
      feeds,
    });
    await subscribe('static', byWeight(1));
    await eventually(async () => expect(await running('static')).toEqual({ small: 3, medium: 3, large: 3 }));
    await publisher.feed(web('static', 12, '10m'));
    await eventually(async () => expect(await running('static')).toEqual({ small: 4, medium: 4, large: 4 }));
    await subscribe('static', byWeight(5));
    await eventually(async () => {
      const counts = await running('static');
      expect(counts['small']).toBeLessThanOrEqual(2);
      expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(12);
    });
    stop();
    expect(seen.size).toBeGreaterThan(2);
    expect(seen.has(9) || seen.has(12)).toBe(false);
    await publisher.unsubscribe('static');
  });

  it('are divided by the room of the clusters, which they leave when it is tainted and do not come back to', async () => {
    const { seen, stop } = history('dynamic');
    const feeds = await publisher.feed(namespace('dynamic'), web('dynamic', 6));
    await subscribe('dynamic', { ...dynamic(), feeds });
    await eventually(async () => expect(await running('dynamic')).toEqual({ small: 1, medium: 2, large: 3 }));
    stop();
    expect(seen.has(6)).toBe(false);
    await taint('small', [{ key: 'broken', effect: 'NoExecute' }]);
    await eventually(async () => {
      const { small, medium = 0, large = 0 } = await running('dynamic');
      expect(small).toBeUndefined();
      expect(medium + large).toBe(6);
    });
    const kept = await running('dynamic');
    await taint('small', []);
    await publisher.feed(web('dynamic', 7));
    await eventually(async () => {
      const counts = await running('dynamic');
      expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(7);
      for (const [name, count] of Object.entries(kept)) expect(counts[name]).toBeGreaterThanOrEqual(count);
    });
  });

  it('that find no room are told of, and placed once there is some', async () => {
    const { items } = await parent.resource<Subscription>(resources.subscriptions).list();
    for (const { metadata } of items) await publisher.unsubscribe(metadata.name);
    const feeds = await publisher.feed(namespace('crowded'), web('crowded', 40));
    await subscribe('crowded', { ...dynamic({ strategy: 'Binpack' }), feeds });
    await eventually(async () => {
      const line = conditionLine(await publisher.subscription('crowded'), 'Scheduled');
      expect(line).toMatch(
        /^False InsufficientCapacity: bound to 3 clusters; \d+ of 40 replicas of apps\/v1\/Deployment\/crowded\/web found no room/,
      );
    });
    await publisher.feed(web('crowded', 10));
    await eventually(async () => {
      expect(conditionLine(await publisher.subscription('crowded'), 'Scheduled')).toMatch(/^True Scheduled/);
      expect(Object.values(await running('crowded')).reduce((a, b) => a + b, 0)).toBe(10);
    });
    await publisher.unsubscribe('crowded');
  });

  it('go to as many clusters of each subgroup as it asks for, also for a kind that declares where its replicas are', async () => {
    const farms = resourceDefinition('example.com/v1', 'Farm', 'farms', true);
    const crd = customKind(farms, { scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } });
    const farm: KubeObject = {
      apiVersion: 'example.com/v1',
      kind: 'Farm',
      metadata: { name: 'f', namespace: 'groups' },
      spec: { size: 6 },
    };
    const feeds = await publisher.feed(namespace('groups'), crd, farm);
    await subscribe('groups', {
      schedulingStrategy: 'Dividing',
      dividingScheduling: { type: 'Static' },
      schedulingBySubGroup: true,
      subscribers: [
        { ...gold, weight: 1, subGroupStrategy: { minClusters: 1 } },
        { ...iron, weight: 1, subGroupStrategy: { minClusters: 1 } },
      ],
      feeds,
    });
    await eventually(async () => {
      const sizes: Record<string, number> = {};
      for (const [name, client] of children) {
        const found = await client
          .resource(farms)
          .find({ name: 'f', namespace: 'groups' })
          .catch(() => undefined);
        if (found !== undefined) sizes[name] = (found['spec'] as { size: number }).size;
      }
      expect(sizes['small']).toBe(3);
      expect(Object.values(sizes)).toEqual([3, 3]);
    });
    const { status } = await publisher.subscription('groups');
    const key = feedKey({ apiVersion: 'example.com/v1', kind: 'Farm', namespace: 'groups', name: 'f' });
    expect(status?.replicas?.[key]).toEqual([3, 3]);
    await publisher.unsubscribe('groups');
  });

  it('go only to clusters that know the kind of a feed, and to others once these do', async () => {
    const barns = customKind(resourceDefinition('example.com/v1', 'Barn', 'barns', true));
    const define = (name: string) => children.get(name)?.resource<KubeObject>(core.customResourceDefinitions).create(barns);
    await define('medium');
    const barn = { apiVersion: 'example.com/v1', kind: 'Barn', metadata: { name: 'b', namespace: 'kinds' } };
    await subscribe('kinds', { feeds: await publisher.feed(namespace('kinds'), barn) });
    const bound = async () => {
      const subscription = await publisher.subscription('kinds');
      return (subscription.status?.bindingClusters ?? []).map((binding) => binding.split('/')[1]).sort();
    };
    await eventually(async () => {
      expect(conditionLine(await publisher.subscription('kinds'), 'Scheduled')).toBe(
        'True Scheduled: bound to 1 cluster; left out: 2 did not serve example.com/v1/Barn',
      );
      expect(await bound()).toEqual(['medium']);
    });
    await define('small');
    await eventually(async () => expect(await bound()).toEqual(['medium', 'small']));
    await publisher.unsubscribe('kinds');
  });

  it.each<[string, Spec, RegExp]>([
    [
      'no weight anywhere',
      { schedulingStrategy: 'Dividing', dividingScheduling: { type: 'Static' } },
      /^False Unschedulable: StaticAssigner: none .* weight/,
    ],
    [
      'more clusters than there are',
      dynamic({ minClusters: 4 }),
      /^False Unschedulable: DynamicAssigner: minClusters is 4, and 3 are available/,
    ],
    ['no cluster at all', dynamic({ maxClusters: 0 }), /^False Unschedulable: DynamicAssigner: .*maxClusters is 0/],
  ])('are nowhere with %s, and the condition says why', async (_, spec, line) => {
    const feeds = await publisher.feed(namespace('bad'), web('bad', 3));
    await subscribe('bad', { ...spec, feeds });
    await eventually(async () => expect(conditionLine(await publisher.subscription('bad'), 'Scheduled')).toMatch(line));
    expect((await publisher.subscription('bad')).status?.bindingClusters).toEqual([]);
    await publisher.unsubscribe('bad');
    await eventually(async () =>
      expect(await parent.resource(resources.subscriptions).find({ name: 'bad', namespace: 'default' })).toBeUndefined(),
    );
  });
});

describe('bad input', () => {
  it.each<[string, Spec, RegExp]>([
    ['a negative weight', { subscribers: [{ ...gold, weight: -1 }] }, /weight/],
    ['contradicting bounds', dynamic({ minClusters: 3, maxClusters: 2 }), /minClusters must not exceed maxClusters/],
    ['dividing without saying how', { schedulingStrategy: 'Dividing' }, /dividingScheduling is required/],
  ])('is refused at once: %s', async (_, spec, message) => {
    await expect(subscribe('refused', spec)).rejects.toThrow(message);
  });

  it('of a Subscription leaves the others alone, also one of another profile', async () => {
    const feeds = await publisher.feed(namespace('other'), web('other', 1, '10m'));
    await taint('small', [{ key: 'careful', effect: 'NoSchedule' }]);
    await subscribe('careless', { schedulerName: 'careless', feeds });
    await subscribe('nobody', { schedulerName: 'nobody', feeds: [] });
    await eventually(async () => expect(await running('other')).toEqual({ small: 1, medium: 1, large: 1 }));
    expect((await publisher.subscription('nobody')).status).toBeUndefined();
    await taint('small', []);
  });
});
