// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  resources,
  type ClusterRegistrationRequest,
  type Description,
  type KubeObject,
  type ManagedCluster,
  type ResourceDefinition,
} from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import { installChart, startSystem, type System } from '@clusternet/localup';
import { AdmissionWebhook } from './testing/admissionWebhook.ts';
import { chartFolder, type Component } from './testing/charts.ts';
import { crash } from './testing/crash.ts';
import { customKind } from './testing/customKind.ts';
import { eventually, throughout } from './testing/eventually.ts';
import { conditionLine, configMap, deployment, namespace, Publisher } from './testing/feeds.ts';
import { logDir } from './testing/logDir.ts';
import { quickElection } from './testing/quickElection.ts';

const modes = ['push', 'pull', 'dual'] as const;

const quickElections = { extraArgs: quickElection };
/** A cluster that was away is known to be back within seconds. */
const agentValues = { extraArgs: { ...quickElection, 'cluster-status-collect-frequency': '1s' }, heartbeat: '2s' };

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
    values: { hub: quickElections, scheduler: quickElections, 'override-engine': quickElections, agent: agentValues },
    logDir: logDir(),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  parent = await KubeClient.fromKubeConfig({ path: system.parent.kubeconfigPath });
  publisher = new Publisher(parent);
  for (const child of system.children) children.set(child.name, await KubeClient.fromKubeConfig({ path: child.kubeconfigPath }));
}, 1_200_000);

afterAll(async () => {
  await Promise.all([parent, ...children.values()].map((client) => client?.close()));
  await system?.close();
}, 120_000);

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

/** What the parent keeps of a child. */
async function registered(name: string): Promise<{ request: string; dedicated: string }> {
  const { items } = await parent.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).list();
  const found = items.find(({ spec }) => spec.clusterName === name);
  return { request: found?.metadata.name ?? '', dedicated: found?.status?.dedicatedNamespace ?? '' };
}

async function uidOf(client: KubeClient, ns: string, name: string): Promise<string | undefined> {
  return (await client.resource(core.configMaps).find({ name, namespace: ns }))?.metadata.uid;
}

async function gone(subscription: string): Promise<void> {
  await eventually(async () => {
    expect(await parent.resource(resources.subscriptions).find({ name: subscription, namespace: 'default' })).toBeUndefined();
    expect(await derived(subscription)).toEqual([]);
  });
}

async function removed(subscription: string): Promise<void> {
  await publisher.unsubscribe(subscription);
  await gone(subscription);
}

/** Subscriptions that were deleted, with the namespace that was fed by each. */
const withdrawn = new Map<string, string>();

/** Deletes a Subscription. A cluster takes five seconds to end a namespace: what has become of it is looked at in the end. */
async function withdraw(subscription: string, ns = subscription): Promise<void> {
  await publisher.unsubscribe(subscription);
  withdrawn.set(subscription, ns);
}

/** Upgrades a chart with values on top of those that it has, and starts its service anew; `name` is the child's for the agent. */
async function reconfigure(component: Component, values: Record<string, unknown>, name?: string): Promise<void> {
  const cluster = system.children.find((one) => one.name === name) ?? system.parent;
  const release = `clusternet-${component}`;
  await installChart({
    cluster,
    chartDir: chartFolder(component),
    release,
    namespace: 'clusternet-system',
    values,
    keepValues: true,
  });
  const service = name === undefined ? release : `${release}/${name}`;
  await system.services.find((one) => one.name === service)?.process.restart();
}

/** Every child is Ready, and has no taint left from a time when it was not. */
async function allReady(): Promise<void> {
  await eventually(async () => {
    const { items } = await parent.resource<ManagedCluster>(resources.managedClusters).list();
    const states = items.map(({ metadata: { name }, spec: { taints = [] }, status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
      return { name, ready, taints };
    });
    expect(states).toHaveLength(modes.length);
    for (const { name, ...state } of states) expect({ name, ...state }).toEqual({ name, ready: 'True', taints: [] });
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
    await withdraw('refused');
  });
});

describe('a CustomResourceDefinition and an object of it', () => {
  it('arrive together', async () => {
    const gadgets = resourceDefinition('e2e.example.com/v1', 'Gadget', 'gadgets', true);
    const crd = customKind(gadgets);
    const gadget: KubeObject = {
      apiVersion: 'e2e.example.com/v1',
      kind: 'Gadget',
      metadata: { name: 'one', namespace: 'gadgets' },
      spec: { size: 1 },
    };
    await publisher.subscribe('gadgets', await publisher.feed(gadget, namespace('gadgets'), crd));
    await everywhere(async (client) =>
      expect(await client.resource(gadgets).find({ name: 'one', namespace: 'gadgets' })).toBeDefined(),
    );
    await withdraw('gadgets');
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
    await withdraw('second', 'shared');
  });
});

describe('what exceeds the size of one object in etcd', () => {
  it('is split over several Descriptions', async () => {
    // The first one is larger than all annotations of an object together may be.
    const big = Array.from({ length: 12 }, (_, i) =>
      configMap('big', `part-${i}`, { text: 'x'.repeat(i === 0 ? 600_000 : 200_000) }),
    );
    await publisher.subscribe('big', await publisher.feed(namespace('big'), ...big));
    await everywhere(async (client) => expect(await names(client, 'big')).toHaveLength(12));
    expect((await derived('big')).filter((line) => line.startsWith('Description')).length).toBeGreaterThanOrEqual(3 * 3);
    await withdraw('big');
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
    await eventually(async () => expect(await names(child('dual'), 'guard')).toEqual([]));
    await withdraw('guard');
  });
});

describe('a child that is down for a while', () => {
  it.each(['push', 'pull'])('gets what changed meanwhile when it comes back, deletions too (%s)', async (mode) => {
    const name = `away-${mode}`;
    const keep = configMap(name, 'keep', { revision: 'one' });
    const drop = configMap(name, 'drop', { a: '1' });
    await publisher.subscribe(name, await publisher.feed(namespace(name), keep, drop));
    await everywhere(async (client) => expect(await names(client, name)).toEqual(['drop', 'keep']));
    await publisher.subscribe(`${name}-gone`, await publisher.feed(configMap(name, 'gone', { a: '1' })));
    await everywhere(async (client) => expect(await names(client, name)).toEqual(['drop', 'gone', 'keep']));
    const cluster = system.children.find((c) => c.name === mode);
    await cluster?.kill();
    await publisher.subscribe(name, await publisher.feed(namespace(name), configMap(name, 'keep', { revision: 'two' })));
    await publisher.unsubscribe(`${name}-gone`);
    const others = modes.filter((m) => m !== mode);
    await eventually(async () => {
      for (const m of others) {
        expect(await data(child(m), name, 'keep')).toEqual({ revision: 'two' });
        expect(await names(child(m), name)).toEqual(['keep']);
      }
    });
    // It is not forgotten that the child still has it.
    expect(await derived(`${name}-gone`)).not.toEqual([]);
    await cluster?.restart();
    await everywhere(async (client) => {
      expect(await names(client, name)).toEqual(['keep']);
      expect(await data(client, name, 'keep')).toEqual({ revision: 'two' });
    });
    await eventually(async () => expect(await derived(`${name}-gone`)).toEqual([]));
    await withdraw(name);
    await allReady();
  });
});

describe('an agent that was away', () => {
  it('deletes nothing that is wanted now, although it was not wanted for a while', async () => {
    const [keep, back, gone] = ['keep', 'back', 'gone'].map((name) => configMap('stale', name, { a: '1' })) as [
      KubeObject,
      KubeObject,
      KubeObject,
    ];
    const feeds = await publisher.feed(namespace('stale'), keep, back, gone);
    await publisher.subscribe('stale', feeds);
    await everywhere(async (client) => expect(await names(client, 'stale')).toEqual(['back', 'gone', 'keep']));
    const uid = await uidOf(child('pull'), 'stale', 'back');
    const agent = await crash(system, 'clusternet-agent/pull');
    await publisher.subscribe('stale', feeds.slice(0, 2));
    await eventually(async () => expect(await names(child('push'), 'stale')).toEqual(['keep']));
    await publisher.subscribe('stale', feeds.slice(0, 3));
    await eventually(async () => expect(await names(child('push'), 'stale')).toEqual(['back', 'keep']));
    await agent.restart();
    await eventually(async () => expect(await names(child('pull'), 'stale')).toEqual(['back', 'keep']));
    expect(await uidOf(child('pull'), 'stale', 'back')).toBe(uid);
    await withdraw('stale');
    await allReady();
  });
});

describe('what the parent loses and makes anew', () => {
  it('takes nothing out of the children, and deploying goes on', async () => {
    const settings = configMap('razed', 'settings', { revision: 'one' });
    await publisher.subscribe('razed', await publisher.feed(namespace('razed'), settings));
    await everywhere(async (client) => expect(await names(client, 'razed')).toEqual(['settings']));
    const uids = await Promise.all(modes.map((mode) => uidOf(child(mode), 'razed', 'settings')));
    const [push, pull, dual] = await Promise.all(modes.map((mode) => registered(mode)));
    const namespaces = parent.resource<KubeObject>(core.namespaces);
    const lost = [push?.dedicated ?? '', pull?.dedicated ?? ''];
    const before = await Promise.all(lost.map(async (name) => (await namespaces.get({ name })).metadata.uid));
    await Promise.all(lost.map((name) => namespaces.delete({ name })));
    const cluster = { namespace: dual?.dedicated ?? '', name: 'dual' };
    const clusters = parent.resource<ManagedCluster>(resources.managedClusters);
    const { uid } = (await clusters.get(cluster)).metadata;
    await clusters.delete(cluster);
    await eventually(async () => {
      const now = await Promise.all(lost.map(async (name) => (await namespaces.find({ name }))?.metadata.uid));
      for (const [i, one] of now.entries()) expect([undefined, before[i]]).not.toContain(one);
      expect([undefined, uid]).not.toContain((await clusters.find(cluster))?.metadata.uid);
    });
    await publisher.feed(configMap('razed', 'settings', { revision: 'two' }));
    await everywhere(async (client) => expect(await data(client, 'razed', 'settings')).toEqual({ revision: 'two' }));
    expect(await Promise.all(modes.map((mode) => uidOf(child(mode), 'razed', 'settings')))).toEqual(uids);
    await eventually(async () => expect(conditionLine(await publisher.subscription('razed'), 'Deployed')).toMatch(/^True/));
    await withdraw('razed');
  });
});

describe('a cluster that changes its sync mode', () => {
  it('keeps what it has, and follows changes from the other side', async () => {
    await publisher.subscribe(
      'moved',
      await publisher.feed(namespace('moved'), configMap('moved', 'settings', { by: 'parent' })),
    );
    await eventually(async () => expect(await data(child('dual'), 'moved', 'settings')).toEqual({ by: 'parent' }));
    const uid = await uidOf(child('dual'), 'moved', 'settings');
    const { dedicated } = await registered('dual');
    for (const [syncMode, by] of [
      ['Pull', 'agent'],
      ['Dual', 'parent again'],
    ] as const) {
      // Where people set it: what the parent says is put right by the agent whenever it starts to lead.
      await reconfigure('agent', { syncMode }, 'dual');
      await eventually(async () => {
        const cluster = await parent
          .resource<ManagedCluster>(resources.managedClusters)
          .get({ namespace: dedicated, name: 'dual' });
        expect(cluster.spec.syncMode).toBe(syncMode);
        expect(conditionLine(cluster, 'ParentDeploys')).toMatch(syncMode === 'Pull' ? 'none' : /^True/);
      });
      await publisher.feed(configMap('moved', 'settings', { by }));
      await eventually(async () => expect(await data(child('dual'), 'moved', 'settings')).toEqual({ by }));
    }
    expect(await uidOf(child('dual'), 'moved', 'settings')).toBe(uid);
    await withdraw('moved');
  });
});

describe('an admission webhook of a cluster', () => {
  it('that refuses or changes what is deployed is not fought', async () => {
    const hooked = ['push', 'pull'] as const;
    const webhook = await AdmissionWebhook.start(({ metadata: { name } }) => {
      if (name === 'refused') return { refuse: 'not in this cluster' };
      return name === 'changed' ? { patch: [{ op: 'add', path: '/data/a', value: 'by the webhook' }] } : undefined;
    });
    const configurations = resourceDefinition(
      'admissionregistration.k8s.io/v1',
      'MutatingWebhookConfiguration',
      'mutatingwebhookconfigurations',
      false,
    );
    try {
      await Promise.all(hooked.map((mode) => child(mode).resource(configurations).create(webhook.configuration(mode, 'hooked'))));
      // The API server takes up a new webhook a moment after it was made.
      await Promise.all(
        hooked.map(async (mode) => {
          await child(mode).resource(core.namespaces).create(namespace('hooked'));
          await eventually(async () => {
            const probe = child(mode)
              .resource(core.configMaps)
              .create(configMap('hooked', 'refused', {}), { dryRun: true });
            await expect(probe).rejects.toThrow('not in this cluster');
          });
        }),
      );
      webhook.calls.length = 0;
      const objects = ['refused', 'changed', 'plain'].map((name) => configMap('hooked', name, { a: 'as rendered' }));
      await publisher.subscribe('hooked', await publisher.feed(...objects));
      await eventually(async () => {
        for (const mode of hooked) {
          expect(await names(child(mode), 'hooked')).toEqual(['changed', 'plain']);
          expect(await data(child(mode), 'hooked', 'changed')).toEqual({ a: 'by the webhook' });
        }
        const line = conditionLine(await publisher.subscription('hooked'), 'Deployed');
        expect(line).toMatch(/^False FeedFailed: .*hooked\/refused.*not in this cluster/s);
      });
      const asked = (mode: string, name: string): number => webhook.calls.filter((call) => call === `${mode}/${name}`).length;
      await throughout(5, () => {
        for (const mode of hooked) {
          expect(asked(mode, 'refused')).toBeLessThan(8);
          expect(asked(mode, 'changed')).toBeLessThan(8);
          expect(asked(mode, 'plain')).toBe(1);
        }
      });
    } finally {
      await Promise.all(hooked.map((mode) => child(mode).resource(configurations).delete({ name: 'e2e' })));
      await webhook.close();
    }
    await removed('hooked');
    await Promise.all(hooked.map((mode) => child(mode).resource(core.namespaces).delete({ name: 'hooked' })));
  });
});

describe('leadership', () => {
  it('that is taken from every service of the parent and comes back changes nothing', async () => {
    await publisher.subscribe('led', await publisher.feed(namespace('led'), configMap('led', 'settings', { revision: 'one' })));
    await everywhere(async (client) => expect(await names(client, 'led')).toEqual(['settings']));
    const services = ['clusternet-hub', 'clusternet-scheduler', 'clusternet-override-engine'];
    const pids = () => services.map((service) => system.services.find(({ name }) => name === service)?.process.pid);
    const before = pids();
    const leases = parent.resource<KubeObject & { spec?: { holderIdentity?: string } }>(core.leases);
    for (const name of services) {
      const renewTime = new Date().toISOString().replace('Z', '000Z');
      const spec = { holderIdentity: 'another', leaseDurationSeconds: 2, renewTime };
      await leases.patch({ namespace: 'clusternet-system', name }, { spec }, { type: 'merge' });
    }
    await publisher.feed(configMap('led', 'settings', { revision: 'two' }));
    await eventually(async () => {
      for (const name of services)
        expect((await leases.get({ namespace: 'clusternet-system', name })).spec?.holderIdentity).not.toBe('another');
    });
    await publisher.subscribe('led', await publisher.feed(namespace('led'), configMap('led', 'more', { a: '1' })));
    await everywhere(async (client) => expect(await names(client, 'led')).toEqual(['more']));
    expect(pids()).toEqual(before);
    expect(system.services.filter(({ process }) => process.exit !== undefined)).toEqual([]);
    await withdraw('led');
  });
});

describe('kill -9 in the middle of a rollout of 50 objects', () => {
  const restarted = async (service: string): Promise<void> => (await crash(system, service)).restart();

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
    await restarted(service);
    const expected = parts.map((o) => o.metadata.name);
    await everywhere(async (client) => expect(await names(client, name)).toEqual(expected));

    const kept = parts.slice(0, 30).map((o) => ({ ...o, data: { revision: 'two' } }));
    await publisher.subscribe(name, await publisher.feed(namespace(name), ...kept));
    await restarted(service);
    await everywhere(async (client) => {
      expect(await names(client, name)).toEqual(expected.slice(0, 30));
      expect(await data(client, name, 'part-29')).toEqual({ revision: 'two' });
    });
    // One Base and one Description for each of the three clusters: nothing doubled.
    expect(await derived(name)).toHaveLength(6);
    await publisher.unsubscribe(name);
    await restarted(service);
    await eventually(async () => {
      expect(await parent.resource(resources.subscriptions).find({ name, namespace: 'default' })).toBeUndefined();
      expect(await derived(name)).toEqual([]);
    });
    withdrawn.set(name, name);
    await publisher.unfeed(namespace(name), ...parts);
  });
});

describe('what was withdrawn', () => {
  it('has left nothing behind, in the parent and in the clusters', async () => {
    for (const [subscription, ns] of withdrawn) {
      await gone(subscription);
      await everywhere(async (client) => expect(await client.resource(core.namespaces).find({ name: ns })).toBeUndefined());
    }
  });
});

describe('a child that leaves', () => {
  it('keeps what it has, and the parent keeps nothing of it', async () => {
    const feeds = await publisher.feed(namespace('leaving'), configMap('leaving', 'kept', { a: '1' }));
    await publisher.subscribe('leaving', feeds);
    await everywhere(async (client) => expect(await names(client, 'leaving')).toEqual(['kept']));
    // Nobody will make it anew: no need to wait for that as long as usual.
    await reconfigure('scheduler', { extraArgs: { 'vanished-cluster-grace': '2s' } });
    const { request, dedicated } = await registered('dual');
    await parent.resource(resources.clusterRegistrationRequests).delete({ name: request });
    await eventually(async () => {
      expect(await parent.resource(resources.clusterRegistrationRequests).find({ name: request })).toBeUndefined();
      expect(await parent.resource(core.namespaces).find({ name: dedicated })).toBeUndefined();
      expect(await parent.resource(core.clusterRoles).find({ name: request })).toBeUndefined();
      expect((await publisher.subscription('leaving')).status?.bindingClusters).toHaveLength(2);
    });
    expect(await names(child('dual'), 'leaving')).toEqual(['kept']);
    await removed('leaving');
    expect(await names(child('dual'), 'leaving')).toEqual(['kept']);
  });
});
