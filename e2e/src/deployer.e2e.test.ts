// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  annotations,
  apiVersionOf,
  crds,
  type Description,
  type Feed,
  feedOf,
  finalizers,
  type KubeObject,
  resources,
} from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import { ClusterDeployer, type ClusterDeployerOptions } from '@clusternet/deployer';
import { type ClusterSet, startClusters } from '@clusternet/localup';
import { EventRecorder, Informer, silentLogger } from '@clusternet/runtime';
import { eventually, throughout } from './testing/eventually.ts';
import { configMap, deployment, namespace as namespaceObject } from './testing/feeds.ts';

// One API server is both parent and child: what is tested is the deployer, not the way to a cluster.
const dedicated = 'clusternet-abcde';
const widgets = resourceDefinition('example.org/v1', 'Widget', 'widgets', true);
const crd: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
          },
        },
      },
    ],
  },
};

let clusters: ClusterSet;
let client: KubeClient;
let deployer: { close(): Promise<void> } | undefined;
let serial = 0;
let ns = '';
let name = '';

beforeAll(async () => {
  clusters = await startClusters({ parent: { auditLog: true }, children: 0 });
  client = await KubeClient.fromKubeConfig({ path: clusters.parent.kubeconfigPath });
  const definitions = crds() as unknown as KubeObject[];
  await Promise.all(definitions.map((definition) => applyAsUser(definition)));
  await eventually(() => client.resource(resources.descriptions).list());
  await applyAsUser(namespaceObject(dedicated));
}, 1_200_000);

afterAll(async () => {
  await client?.close();
  await clusters?.close();
}, 120_000);

beforeEach(() => {
  ns = `shop-${++serial}`;
  name = `app-${serial}-x2x4z-generic`;
});

afterEach(async () => {
  await deployer?.close();
  deployer = undefined;
});

/** Starts a deployer with clients of its own, as a process of its own would have. */
function start(options: Partial<ClusterDeployerOptions> = {}): void {
  const recorder = new EventRecorder({ client, component: 'e2e', logger: silentLogger });
  const descriptions = new Informer<Description>({
    client,
    resource: resources.descriptions,
    namespace: dedicated,
    logger: silentLogger,
  });
  descriptions.start();
  const running = new ClusterDeployer({
    child: client,
    parent: client,
    namespace: dedicated,
    clusterName: 'edge',
    descriptions,
    recorder,
    logger: silentLogger,
    ...options,
  });
  running.start();
  deployer = {
    close: async () => {
      await running.close();
      await descriptions.close();
      await recorder.close();
    },
  };
}

async function restart(options: Partial<ClusterDeployerOptions> = {}): Promise<void> {
  await deployer?.close();
  start(options);
}

async function applyAsUser(object: KubeObject): Promise<KubeObject> {
  const definition = await client.mapper.resourceFor(object.apiVersion, object.kind);
  return client.resource<KubeObject>(definition).apply(object, { fieldManager: 'user', force: true });
}

async function describeObjects(objects: KubeObject[], o: { removed?: Feed[]; description?: string } = {}): Promise<void> {
  const description = {
    apiVersion: apiVersionOf(resources.descriptions),
    kind: 'Description',
    metadata: { name: o.description ?? name, namespace: dedicated, finalizers: [finalizers.default] },
    spec: {
      deployer: 'Generic',
      raw: objects.map((object) => Buffer.from(JSON.stringify(object)).toString('base64')),
      ...(o.removed && { removed: o.removed }),
    },
  } as Description;
  await client.resource<Description>(resources.descriptions).apply(description, { fieldManager: 'user', force: true });
}

async function descriptionOf(description = name): Promise<Description | undefined> {
  return client.resource<Description>(resources.descriptions).find({ name: description, namespace: dedicated });
}

async function confirmed(description = name): Promise<Description> {
  return eventually(async () => {
    const live = await descriptionOf(description);
    expect(live?.status).toMatchObject({ phase: 'Success', reason: '', observedGeneration: live?.metadata.generation });
    return live as Description;
  });
}

async function gone(description = name): Promise<void> {
  await client.resource(resources.descriptions).delete({ name: description, namespace: dedicated });
  await eventually(async () => expect(await descriptionOf(description)).toBeUndefined());
}

/** Descriptions that were deleted while somebody else goes on with them, and their namespaces. */
const withdrawn = new Map<string, string>();

/** Deletes it. A cluster takes five seconds to end a namespace: what has become of it is looked at in the end. */
async function withdraw(): Promise<void> {
  await client.resource(resources.descriptions).delete({ name, namespace: dedicated });
  withdrawn.set(name, ns);
}

async function map(object: string, namespace = ns): Promise<KubeObject | undefined> {
  return client.resource<KubeObject>(core.configMaps).find({ name: object, namespace });
}

async function errorOf(object: string): Promise<{ reason: string; message: string } | undefined> {
  const found = (await descriptionOf())?.status?.manifestStatuses?.find((status) => status.name === object)?.error;
  return found && { reason: found.reason, message: found.message ?? '' };
}

/** Writes to objects of our namespace since the audit log had `from` lines. */
async function writes(from = 0): Promise<string[]> {
  const text = await readFile(clusters.parent.auditLogPath ?? '', 'utf8');
  type Entry = {
    stage: string;
    verb: string;
    objectRef?: { namespace?: string; name?: string; resource?: string; subresource?: string };
  };
  return text
    .split('\n')
    .filter(Boolean)
    .slice(from)
    .map((line) => JSON.parse(line) as Entry)
    .filter(({ stage, verb }) => stage === 'ResponseComplete' && ['patch', 'create', 'update', 'delete'].includes(verb))
    .filter(({ objectRef }) => objectRef?.namespace === ns)
    .filter(({ objectRef }) => ['configmaps', 'deployments', 'widgets', 'services'].includes(objectRef?.resource ?? ''))
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource} ${objectRef?.name}`);
}

async function auditLines(): Promise<number> {
  return (await readFile(clusters.parent.auditLogPath ?? '', 'utf8')).split('\n').filter(Boolean).length;
}

describe('a Description on a real API server', () => {
  it('brings a definition, an object of it and their namespace at once', async () => {
    start();
    const widget = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'w', namespace: ns }, spec: { size: 1 } };
    await describeObjects([widget, crd, namespaceObject(ns)]);
    await confirmed();
    expect((await client.resource<KubeObject>(widgets).get({ name: 'w', namespace: ns }))['spec']).toEqual({ size: 1 });
    await gone();
    await expect(client.resource(core.customResourceDefinitions).find({ name: 'widgets.example.org' })).resolves.toBeUndefined();
    await expect(client.resource(core.namespaces).find({ name: ns })).resolves.toBeUndefined();
  });

  it('deploys 50 objects, each with one write, and looks at them once after a restart', async () => {
    start();
    const maps = Array.from({ length: 50 }, (_, i) => configMap(ns, `c${i}`, { text: 'x'.repeat(1_000) }));
    await describeObjects([namespaceObject(ns), ...maps]);
    await confirmed();
    const ours = (await writes()).filter((write) => !write.endsWith('kube-root-ca.crt'));
    expect(ours.sort()).toEqual(maps.map(({ metadata }) => `patch configmaps ${metadata.name}`).sort());
    const versions = async (): Promise<unknown[]> =>
      (await client.resource<KubeObject>(core.configMaps).list({ namespace: ns })).items.map(
        ({ metadata }) => metadata.resourceVersion,
      );
    const before = await versions();
    const { resourceVersion } = (await descriptionOf())?.metadata ?? {};
    const from = await auditLines();
    await restart();
    await throughout(3, async () => expect(await writes(from)).toEqual([]));
    expect(await versions()).toEqual(before);
    expect((await descriptionOf())?.metadata.resourceVersion).toBe(resourceVersion);
    await withdraw();
  });

  it('updates what changed, takes fields out, and removes what left', async () => {
    start();
    await describeObjects([
      namespaceObject(ns),
      configMap(ns, 'a', { x: '1', y: '1' }),
      configMap(ns, 'b', {}),
      configMap(ns, 'c', {}),
    ]);
    await confirmed();
    const from = await auditLines();
    await describeObjects([namespaceObject(ns), configMap(ns, 'a', { x: '2' }), configMap(ns, 'b', {})], {
      removed: [feedOf(configMap(ns, 'c', {}))],
    });
    await confirmed();
    expect((await map('a'))?.['data']).toEqual({ x: '2' });
    expect(await map('c')).toBeUndefined();
    expect((await writes(from)).sort()).toEqual(['delete configmaps c', 'patch configmaps a']);
    await withdraw();
  });

  it('brings back the live status of a workload', async () => {
    start();
    const web = deployment(ns, 'web', 2);
    await describeObjects([namespaceObject(ns), web]);
    await confirmed();
    await eventually(async () => {
      const status = (await descriptionOf())?.status?.manifestStatuses?.[1]?.observedStatus;
      expect(status).toMatchObject({ observedGeneration: 1, replicas: 2 });
    });
    await withdraw();
  });

  it('reports an object that the cluster refuses and deploys the others', async () => {
    start();
    const bad: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad', namespace: ns }, spec: { ports: [] } };
    await describeObjects([namespaceObject(ns), configMap(ns, 'good', {}), bad]);
    await eventually(async () => expect(await errorOf('bad')).toMatchObject({ reason: 'Invalid' }));
    expect(await map('good')).toBeDefined();
    expect((await descriptionOf())?.status).toMatchObject({
      phase: 'Failure',
      reason: expect.stringContaining(`Service ${ns}/bad`),
    });
    await describeObjects([namespaceObject(ns), configMap(ns, 'good', {}), { ...bad, spec: { ports: [{ port: 80 }] } }]);
    await confirmed();
    await withdraw();
  });

  it('says what to do about a field that cannot change, and deletes nothing', async () => {
    start();
    const web = deployment(ns, 'web', 1);
    await describeObjects([namespaceObject(ns), web]);
    await confirmed();
    const { uid } = (await client.resource<KubeObject>(core.deployments).get({ name: 'web', namespace: ns })).metadata;
    const labels = { app: 'other' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1.29' }] } };
    await describeObjects([namespaceObject(ns), { ...web, spec: { replicas: 1, selector: { matchLabels: labels }, template } }]);
    await eventually(async () =>
      expect(await errorOf('web')).toMatchObject({
        reason: 'ImmutableField',
        message: expect.stringContaining('Undo the change'),
      }),
    );
    expect((await client.resource<KubeObject>(core.deployments).get({ name: 'web', namespace: ns })).metadata.uid).toBe(uid);
    await withdraw();
  });

  it('leaves what belongs to another Description alone, also at its end', async () => {
    start();
    await applyAsUser(namespaceObject(ns));
    const foreign = configMap(ns, 'theirs', { from: 'them' });
    const owner = 'clusternet-other.app-b4d5f-generic';
    await applyAsUser({
      ...foreign,
      metadata: { ...foreign.metadata, annotations: { [annotations.ownedByDescription]: owner } },
    });
    await describeObjects([configMap(ns, 'theirs', { from: 'us' }), configMap(ns, 'ours', {})]);
    await eventually(async () =>
      expect(await errorOf('theirs')).toMatchObject({ reason: 'OwnedByOther', message: expect.stringContaining(owner) }),
    );
    await gone();
    expect((await map('theirs'))?.['data']).toEqual({ from: 'them' });
    expect(await map('ours')).toBeUndefined();
  });

  it('adopts what is there and lets go of it at the end', async () => {
    start();
    await applyAsUser(namespaceObject(ns));
    await applyAsUser(configMap(ns, 'kept', { mine: '1' }));
    await describeObjects([namespaceObject(ns), configMap(ns, 'kept', { ours: '1' })]);
    await confirmed();
    expect(await map('kept')).toMatchObject({
      data: { mine: '1', ours: '1' },
      metadata: { annotations: { [annotations.adopted]: 'true' } },
    });
    await restart();
    await gone();
    const left = await map('kept');
    expect(left?.['data']).toMatchObject({ mine: '1' });
    expect(left?.metadata.annotations?.[annotations.ownedByDescription]).toBeUndefined();
    expect((await client.resource(core.namespaces).get({ name: ns })).metadata.deletionTimestamp).toBeUndefined();
  });

  it('adopts what a controller puts into each new namespace', async () => {
    start();
    await describeObjects([namespaceObject(ns), configMap(ns, 'kube-root-ca.crt', { extra: 'x' })]);
    await confirmed();
    await withdraw();
  });

  it('puts back what was changed or deleted when recovery is on, and does not touch replicas that it does not name', async () => {
    start({ recovery: true });
    const scaled = deployment(ns, 'scaled', 1);
    const spec = { ...(scaled['spec'] as object), replicas: undefined };
    await describeObjects([
      namespaceObject(ns),
      configMap(ns, 'a', { x: '1' }),
      configMap(ns, 'b', { x: '1' }),
      { ...scaled, spec },
    ]);
    await confirmed();
    await eventually(async () => {
      await client.resource(core.configMaps).patch({ name: 'a', namespace: ns }, { data: { x: 'changed' } }, { type: 'merge' });
      await eventually(async () => expect((await map('a'))?.['data']).toEqual({ x: '1' }), 5);
    });
    await client.resource(core.configMaps).delete({ name: 'b', namespace: ns });
    await eventually(async () => expect((await map('b'))?.['data']).toEqual({ x: '1' }));
    await client
      .resource(core.deployments)
      .patch({ name: 'scaled', namespace: ns }, { spec: { replicas: 3 } }, { type: 'merge' });
    await throughout(2, async () => {
      expect((await client.resource<KubeObject>(core.deployments).get({ name: 'scaled', namespace: ns }))['spec']).toMatchObject({
        replicas: 3,
      });
    });
    await gone();
  });

  it('survives an API server that is away in the middle', async () => {
    start();
    const maps = Array.from({ length: 20 }, (_, i) => configMap(ns, `c${i}`, {}));
    await describeObjects([namespaceObject(ns), ...maps]);
    await clusters.parent.restart();
    await confirmed();
    expect((await client.resource(core.configMaps).list({ namespace: ns })).items.length).toBeGreaterThanOrEqual(20);
    await withdraw();
  });

  it('has left nothing behind of all that was deleted', async () => {
    start();
    for (const [description, namespace] of withdrawn) {
      await eventually(async () => expect(await descriptionOf(description)).toBeUndefined());
      expect(await client.resource(core.namespaces).find({ name: namespace })).toBeUndefined();
    }
  });
});
