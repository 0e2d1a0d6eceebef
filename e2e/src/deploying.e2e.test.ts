// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { resources, type Description, type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import { startSystem, type System } from '@clusternet/localup';
import { eventually, throughout } from './testing/eventually.ts';
import { conditionLine, configMap, deployment, namespace, Publisher } from './testing/feeds.ts';

const modes = ['push', 'pull', 'dual'] as const;

/** A killed leader's successor waits for its lease: seconds here, so that the tests wait for what they test. */
const quickElections = {
  extraArgs: {
    'leader-elect-lease-duration': '4s',
    'leader-elect-renew-deadline': '3s',
    'leader-elect-retry-period': '500ms',
  },
};

let system: System;
let parent: KubeClient;
let publisher: Publisher;
const children = new Map<string, KubeClient>();

beforeAll(async () => {
  system = await startSystem({
    children: [
      { name: 'push', nodes: 1, syncMode: 'Push' },
      { name: 'pull', nodes: 1, syncMode: 'Pull' },
      { name: 'dual', nodes: 1, syncMode: 'Dual', labels: { tier: 'gold' } },
    ],
    values: Object.fromEntries(['hub', 'scheduler', 'override-engine', 'agent'].map((name) => [name, quickElections])),
    // To be looked at after a failure.
    logDir: process.env['E2E_LOG_DIR'],
    log: (line) => process.stderr.write(`${line}\n`),
  });
  parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  publisher = new Publisher(parent);
  for (const child of system.children) children.set(child.name, await KubeClient.fromKubeConfig({ path: child.kubeconfigPath }));
}, 1_200_000);

afterAll(async () => {
  await Promise.all([parent, ...children.values()].map((client) => client?.close()));
  await system?.close();
}, 60_000);

function child(name: string): KubeClient {
  const client = children.get(name);
  if (client === undefined) throw new Error(`there is no child ${name}`);
  return client;
}

async function names(client: KubeClient, ns: string): Promise<string[]> {
  const { items } = await client.resource(core.configMaps).list({ namespace: ns });
  return items
    .map((o) => o.metadata.name ?? '')
    .filter((name) => name !== 'kube-root-ca.crt')
    .sort();
}

async function data(client: KubeClient, ns: string, name: string): Promise<unknown> {
  return (await client.resource(core.configMaps).find({ name, namespace: ns }))?.['data'];
}

async function everywhere(check: (client: KubeClient, mode: string) => Promise<void>, seconds?: number): Promise<void> {
  await eventually(() => Promise.all(modes.map((mode) => check(child(mode), mode))), seconds);
}

async function derived(subscription: string): Promise<string[]> {
  const of = async (definition: ResourceDefinition) =>
    (await parent.resource<KubeObject>(definition).list()).items
      .filter((o) => o.metadata.labels?.['apps.clusternet.io/subs.name'] === subscription)
      .map((o) => `${o.kind} ${o.metadata.name}`);
  return [...(await of(resources.bases)), ...(await of(resources.descriptions))];
}

async function removed(subscription: string): Promise<void> {
  await publisher.unsubscribe(subscription);
  await eventually(async () => {
    expect(await parent.resource(resources.subscriptions).find({ name: subscription, namespace: 'default' })).toBeUndefined();
    expect(await derived(subscription)).toEqual([]);
  });
}

describe('an application in Push, Pull and Dual', () => {
  const ns = 'shop';
  const settings = configMap(ns, 'settings', { greeting: 'hello' });
  const web = deployment(ns, 'web', 3);

  it('is deployed to every cluster and its status comes back', async () => {
    await publisher.subscribe('shop', await publisher.feed(namespace(ns), settings, web));
    await everywhere(async (client) => {
      const { items } = await client.resource(core.pods).list({ namespace: ns });
      expect(items.map((pod) => (pod['status'] as { phase?: string }).phase)).toEqual(['Running', 'Running', 'Running']);
    });
    await eventually(async () => {
      const subscription = await publisher.subscription('shop');
      expect(conditionLine(subscription, 'Scheduled')).toMatch(/^True/);
      expect(conditionLine(subscription, 'Deployed')).toMatch(/^True AllFeedsDeployed/);
      expect(subscription.status?.bindingClusters).toHaveLength(3);
      expect(subscription.status?.completedReleases).toBe(3);
      const forWeb = subscription.status?.aggregatedStatuses?.find((s) => s.kind === 'Deployment');
      expect(forWeb?.feedStatusSummary?.available).toBe(true);
      expect(forWeb?.feedStatusSummary?.replicaStatus?.readyReplicas).toBe(9);
      expect(forWeb?.feedStatusDetails?.map((d) => d.replicaStatus?.readyReplicas)).toEqual([3, 3, 3]);
    });
    const { items } = await parent.resource<Description>(resources.descriptions).list();
    expect(items.map((d) => d.status?.phase)).toEqual(['Success', 'Success', 'Success']);
  });

  it('follows a changed feed, and what left the feed leaves the object', async () => {
    await publisher.feed(configMap(ns, 'settings', { colour: 'blue' }));
    await everywhere(async (client) => expect(await data(client, ns, 'settings')).toEqual({ colour: 'blue' }));
  });

  it('removes the object of a feed that leaves the Subscription, and nothing else', async () => {
    const feeds = await publisher.feed(namespace(ns), web);
    await publisher.subscribe('shop', feeds);
    await everywhere(async (client) => expect(await names(client, ns)).toEqual([]));
    await everywhere(async (client) =>
      expect(await client.resource(core.deployments).find({ name: 'web', namespace: ns })).toBeDefined(),
    );
  });

  it('removes the object of a Manifest that was deleted and says which feed is missing; it returns with the Manifest', async () => {
    await publisher.subscribe('shop', await publisher.feed(namespace(ns), web, settings));
    await everywhere(async (client) => expect(await data(client, ns, 'settings')).toEqual({ greeting: 'hello' }));
    await publisher.unfeed(settings);
    await everywhere(async (client) => expect(await names(client, ns)).toEqual([]));
    await eventually(async () =>
      expect(conditionLine(await publisher.subscription('shop'), 'Deployed')).toMatch(
        /^False FeedFailed: .*v1 ConfigMap shop\/settings.*FeedNotFound/s,
      ),
    );
    await publisher.feed(settings);
    await everywhere(async (client) => expect(await data(client, ns, 'settings')).toEqual({ greeting: 'hello' }));
    await eventually(async () => expect(conditionLine(await publisher.subscription('shop'), 'Deployed')).toMatch(/^True/));
  });

  it('is gone from every cluster before its Subscription is', async () => {
    await removed('shop');
    await everywhere(async (client) => {
      const left = await client.resource(core.namespaces).find({ name: ns });
      expect(left).toBeUndefined();
    });
  });
});

describe('a feed that a cluster refuses', () => {
  it('is named with its reason, while the other feeds and clusters go on, and is retried once it is mended', async () => {
    const bad: KubeObject = {
      ...deployment('refused', 'web', 1),
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'other' } }, spec: { containers: [] } },
      },
    };
    await publisher.subscribe(
      'refused',
      await publisher.feed(namespace('refused'), bad, configMap('refused', 'good', { a: '1' })),
    );
    await everywhere(async (client) => expect(await names(client, 'refused')).toEqual(['good']));
    await eventually(async () => {
      const line = conditionLine(await publisher.subscription('refused'), 'Deployed');
      expect(line).toMatch(/^False FeedFailed/);
      expect(line).toContain('apps/v1 Deployment refused/web');
      expect(line).toMatch(/selector/);
    });
    await publisher.feed(deployment('refused', 'web', 1));
    await eventually(async () => expect(conditionLine(await publisher.subscription('refused'), 'Deployed')).toMatch(/^True/));
    await removed('refused');
  });
});

describe('a CustomResourceDefinition and an object of it', () => {
  it('arrive together', async () => {
    const crd: KubeObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gadgets.e2e.example.com' },
      spec: {
        group: 'e2e.example.com',
        scope: 'Namespaced',
        names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    };
    const gadget: KubeObject = {
      apiVersion: 'e2e.example.com/v1',
      kind: 'Gadget',
      metadata: { name: 'one', namespace: 'gadgets' },
      spec: { size: 1 },
    };
    await publisher.subscribe('gadgets', await publisher.feed(gadget, namespace('gadgets'), crd));
    const gadgets = resourceDefinition('e2e.example.com/v1', 'Gadget', 'gadgets', true);
    await everywhere(async (client) =>
      expect(await client.resource(gadgets).find({ name: 'one', namespace: 'gadgets' })).toBeDefined(),
    );
    await removed('gadgets');
    await everywhere(async (client) =>
      expect(await client.resource(core.customResourceDefinitions).find({ name: 'gadgets.e2e.example.com' })).toBeUndefined(),
    );
  });
});

describe('two Subscriptions that feed the same object', () => {
  it('do not fight: the older owns it, the other is told, and takes over when the older goes', async () => {
    const shared = configMap('shared', 'settings', { from: 'feed' });
    await publisher.subscribe('first', await publisher.feed(namespace('shared'), shared));
    await everywhere(async (client) => expect(await names(client, 'shared')).toEqual(['settings']));
    await publisher.feed(configMap('shared', 'own', { a: '1' }));
    await publisher.subscribe('second', await publisher.feed(shared, configMap('shared', 'own', { a: '1' })));
    await everywhere(async (client) => expect(await names(client, 'shared')).toEqual(['own', 'settings']));
    await eventually(async () =>
      expect(conditionLine(await publisher.subscription('second'), 'Deployed')).toMatch(/OwnedByOther/),
    );
    expect(conditionLine(await publisher.subscription('first'), 'Deployed')).toMatch(/^True/);
    const versions = await Promise.all(
      modes.map(
        async (m) =>
          (await child(m).resource(core.configMaps).get({ name: 'settings', namespace: 'shared' })).metadata.resourceVersion,
      ),
    );
    await throughout(3, async () => {
      for (const [i, m] of modes.entries())
        expect(
          (await child(m).resource(core.configMaps).get({ name: 'settings', namespace: 'shared' })).metadata.resourceVersion,
        ).toBe(versions[i]);
    });
    await publisher.subscribe('second', await publisher.feed(namespace('shared'), shared));
    await removed('first');
    await eventually(async () => expect(conditionLine(await publisher.subscription('second'), 'Deployed')).toMatch(/^True/));
    await everywhere(async (client) => expect(await names(client, 'shared')).toEqual(['settings']));
    await removed('second');
  });
});

describe('what exceeds the size of one object in etcd', () => {
  it('is split over several Descriptions', async () => {
    const big = Array.from({ length: 12 }, (_, i) => configMap('big', `part-${i}`, { text: 'x'.repeat(200_000) }));
    await publisher.subscribe('big', await publisher.feed(namespace('big'), ...big));
    await everywhere(async (client) => expect(await names(client, 'big')).toHaveLength(12));
    expect((await derived('big')).filter((line) => line.startsWith('Description')).length).toBeGreaterThanOrEqual(3 * 3);
    await removed('big');
    await publisher.unfeed(...big);
  });
});

describe('a selector that suddenly matches nothing', () => {
  it('does not take the application from all clusters until the plan is approved', async () => {
    const feeds = await publisher.feed(namespace('guard'), configMap('guard', 'kept', { a: '1' }));
    await publisher.subscribe('guard', feeds, { matchLabels: { tier: 'gold' } });
    await eventually(async () => expect(await names(child('dual'), 'guard')).toEqual(['kept']));
    await publisher.subscribe('guard', feeds, { matchLabels: { tier: 'glod' } });
    const message = await eventually(async () => {
      const line = conditionLine(await publisher.subscription('guard'), 'Scheduled');
      expect(line).toMatch(/^False MassRemovalHeld/);
      return line;
    });
    await throughout(3, async () => expect(await names(child('dual'), 'guard')).toEqual(['kept']));
    const approval = /(apps\.clusternet\.io\/approve-plan)=([0-9a-z]+)/.exec(message);
    await parent
      .resource(resources.subscriptions)
      .patch(
        { name: 'guard', namespace: 'default' },
        { metadata: { annotations: { [approval?.[1] ?? '']: approval?.[2] } } },
        { type: 'merge' },
      );
    await eventually(async () => expect(await child('dual').resource(core.namespaces).find({ name: 'guard' })).toBeUndefined());
    await removed('guard');
  });
});

describe('a child that is down for a while', () => {
  it.each(['push', 'pull'])('gets what changed meanwhile when it comes back, deletions too (%s)', async (mode) => {
    const name = `away-${mode}`;
    const keep = configMap(name, 'keep', { revision: 'one' });
    const drop = configMap(name, 'drop', { a: '1' });
    await publisher.subscribe(name, await publisher.feed(namespace(name), keep, drop));
    await everywhere(async (client) => expect(await names(client, name)).toEqual(['drop', 'keep']));
    const cluster = system.children.find((c) => c.name === mode);
    await cluster?.kill();
    await publisher.subscribe(name, await publisher.feed(namespace(name), configMap(name, 'keep', { revision: 'two' })));
    const others = modes.filter((m) => m !== mode);
    await eventually(async () => {
      for (const m of others) expect(await data(child(m), name, 'keep')).toEqual({ revision: 'two' });
    });
    await cluster?.restart();
    await everywhere(async (client) => {
      expect(await names(client, name)).toEqual(['keep']);
      expect(await data(client, name, 'keep')).toEqual({ revision: 'two' });
    }, 120);
    await removed(name);
  });
});

describe('kill -9 in the middle of a rollout of 50 objects', () => {
  it.each([
    'clusternet-hub',
    'clusternet-scheduler',
    'clusternet-override-engine',
    'clusternet-agent/pull',
    'clusternet-agent/push',
  ])('of %s loses, doubles and leaves nothing', async (service) => {
    const name = `killed-${service.replace(/[^a-z]+/g, '-')}`;
    const parts = Array.from({ length: 49 }, (_, i) =>
      configMap(name, `part-${String(i).padStart(2, '0')}`, { revision: 'one' }),
    );
    await publisher.subscribe(name, await publisher.feed(namespace(name), ...parts));
    const victim = system.services.find((s) => s.name === service);
    if (victim === undefined) throw new Error(`there is no service ${service}`);
    await victim.process.kill('SIGKILL');
    await victim.process.restart();
    const expected = parts.map((o) => o.metadata.name);
    await everywhere(async (client) => expect(await names(client, name)).toEqual(expected), 120);

    const kept = parts.slice(0, 30).map((o) => ({ ...o, data: { revision: 'two' } }));
    await publisher.subscribe(name, await publisher.feed(namespace(name), ...kept));
    await victim.process.kill('SIGKILL');
    await victim.process.restart();
    await everywhere(async (client) => {
      expect(await names(client, name)).toEqual(expected.slice(0, 30));
      expect(await data(client, name, 'part-29')).toEqual({ revision: 'two' });
    }, 120);
    // One Base and one Description for each of the three clusters: nothing doubled.
    expect(await derived(name)).toHaveLength(6);
    await publisher.unsubscribe(name);
    await victim.process.kill('SIGKILL');
    await victim.process.restart();
    await eventually(async () => {
      expect(await parent.resource(resources.subscriptions).find({ name, namespace: 'default' })).toBeUndefined();
      expect(await derived(name)).toEqual([]);
    }, 120);
    await everywhere(async (client) => expect(await client.resource(core.namespaces).find({ name })).toBeUndefined());
    await publisher.unfeed(namespace(name), ...parts);
  });
});

describe('a child that leaves', () => {
  it('keeps what it has, and the parent keeps nothing of it', async () => {
    const feeds = await publisher.feed(namespace('leaving'), configMap('leaving', 'kept', { a: '1' }));
    await publisher.subscribe('leaving', feeds);
    await everywhere(async (client) => expect(await names(client, 'leaving')).toEqual(['kept']));
    const { items } = await parent.resource(resources.clusterRegistrationRequests).list();
    const request = items.find((r) => (r['spec'] as { clusterName?: string }).clusterName === 'dual');
    const dedicated = (request?.['status'] as { dedicatedNamespace?: string }).dedicatedNamespace ?? '';
    await parent.resource(resources.clusterRegistrationRequests).delete({ name: request?.metadata.name ?? '' });
    await eventually(async () => {
      expect(
        await parent.resource(resources.clusterRegistrationRequests).find({ name: request?.metadata.name ?? '' }),
      ).toBeUndefined();
      expect(await parent.resource(core.namespaces).find({ name: dedicated })).toBeUndefined();
      expect(await parent.resource(core.clusterRoles).find({ name: request?.metadata.name ?? '' })).toBeUndefined();
      expect((await publisher.subscription('leaving')).status?.bindingClusters).toHaveLength(2);
    }, 120);
    expect(await names(child('dual'), 'leaving')).toEqual(['kept']);
    await removed('leaving');
    expect(await names(child('dual'), 'leaving')).toEqual(['kept']);
  });
});
