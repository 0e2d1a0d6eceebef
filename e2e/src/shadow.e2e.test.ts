// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import { type ClusterSet, installChart, startClusters, startWorkload, type Workload } from '@clusternet/localup';
import { removeLeft, runActions, scratch } from './shadow/conformance.ts';
import { unmeant } from './shadow/differences.ts';
import { crds, samples } from './shadow/samples.ts';
import { eventually } from './testing/eventually.ts';
import { exposeHub } from './testing/exposeHub.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const namespace = 'clusternet-system';
const root = '/apis/shadow/v1alpha1';

type Answer = Record<string, unknown> & { metadata: KubeObject['metadata'] };

let set: ClusterSet;
let hub: Workload;
let admin: KubeClient;

beforeAll(async () => {
  set = await startClusters({ parent: {}, children: [] });
  const values = { replicaCount: 1, featureGates: { ShadowAPI: true } };
  const chart = { chartDir: file('charts/clusternet-hub'), release: 'clusternet-hub', namespace, values };
  await installChart({ cluster: set.parent, ...chart });
  const entrypoints = { 'clusternet/clusternet-hub': file('packages/hub/dist/main.js') };
  hub = await startWorkload({ cluster: set.parent, namespace, deployment: 'clusternet-hub', entrypoints });
  await hub.waitReady();
  await exposeHub(set.parent, 'v1alpha1.shadow', hub.port);
  admin = await KubeClient.fromKubeConfig({ path: set.parent.kubeconfigPath });
  await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: scratch } });
  for (const crd of crds) await admin.resource(core.customResourceDefinitions).create(crd);
}, 600_000);

afterAll(async () => {
  await admin?.close();
  await hub?.stop();
  await set?.close();
}, 60_000);

/** A client of one verb and path below the shadow API. */
async function shadow(method: string, path: string, o: { body?: object; type?: string; as?: string } = {}) {
  const [bare = '', query = ''] = path.split('?');
  const answer = await admin.answer({
    method,
    path: root + bare,
    query: Object.fromEntries(new URLSearchParams(query)),
    body: o.body,
    contentType: o.type,
    headers: o.as === undefined ? {} : { 'impersonate-user': o.as },
  });
  return { code: answer.status, body: JSON.parse(answer.body) as Answer };
}

function configMap(name: string, more: { labels?: Record<string, string>; namespace?: string } = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more } };
}

const namesOf = ({ body }: { body: Answer }): (string | undefined)[] =>
  (body['items'] as Answer[]).map(({ metadata }) => metadata.name);

/** The first events of a watch. */
async function watched(path: string, count: number): Promise<{ type: string; object: Answer }[]> {
  const { server, caPem } = set.parent;
  const kubeconfig = await KubeClient.fromKubeConfig({ path: set.parent.kubeconfigPath });
  try {
    expect([server, caPem]).not.toContain(undefined);
    const { body } = await kubeconfig.answer({
      method: 'GET',
      path: root + (path.split('?')[0] ?? ''),
      query: { ...Object.fromEntries(new URLSearchParams(path.split('?')[1])), watch: 'true', timeoutSeconds: '1' },
    });
    const events = body
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string; object: Answer });
    return events.slice(0, count);
  } finally {
    await kubeconfig.close();
  }
}

describe('the kinds', () => {
  it('of CRDs come and go', async () => {
    const kinds = async (): Promise<string[]> => {
      const list = await admin.request<{ resources: { name: string }[] }>({ method: 'GET', path: root });
      return list.resources.map(({ name }) => name);
    };
    await eventually(async () =>
      expect(await kinds()).toEqual(expect.arrayContaining(['configmaps', 'deployments/scale', 'widgets', 'widgets/scale'])),
    );
    const crd = structuredClone(crds[0]) as KubeObject & { spec: { group: string } };
    crd.metadata.name = 'widgets.other.example.io';
    crd.spec.group = 'other.example.io';
    await admin.resource(core.customResourceDefinitions).create(crd);
    await eventually(
      async () =>
        expect(await kinds()).toEqual(expect.arrayContaining(['widgets', 'widgets.example.io', 'widgets.other.example.io'])),
      10,
    );
    const widget = (group: string): object => ({
      apiVersion: `${group}/v1`,
      kind: 'Widget',
      metadata: { name: 'same' },
      spec: { color: 'red' },
    });
    for (const group of ['example.io', 'other.example.io']) {
      await eventually(
        async () =>
          expect(await shadow('POST', `/namespaces/two/widgets.${group}`, { body: widget(group) })).toMatchObject({ code: 201 }),
        10,
      );
    }
    for (const group of ['example.io', 'other.example.io']) {
      const list = await shadow('GET', `/namespaces/two/widgets.${group}`);
      expect((list.body['items'] as KubeObject[]).map(({ apiVersion }) => apiVersion)).toEqual([`${group}/v1`]);
    }
    await admin.resource(core.customResourceDefinitions).delete({ name: 'widgets.other.example.io' });
    await eventually(async () => {
      expect(await kinds()).not.toContain('widgets.other.example.io');
      expect(await kinds()).toContain('widgets');
    }, 10);
  });
});

describe('what is done to objects', () => {
  it.each(samples.map((sample) => [sample.object.kind, sample] as const))(
    '%s has the outcome of the real API',
    async (kind, sample) => {
      const real = await runActions(admin, 'real', sample);
      const shadowed = await runActions(admin, 'shadow', sample);
      await removeLeft(admin, 'real', sample);
      await removeLeft(admin, 'shadow', sample);
      expect(unmeant(kind, real, shadowed)).toEqual([]);
    },
  );
});

describe('a template', () => {
  it('needs no namespace, may have a long name, and keeps no name of another', async () => {
    const name = `${'long-'.repeat(40)}name`;
    expect(await shadow('POST', '/namespaces/nowhere/configmaps', { body: configMap(name) })).toMatchObject({ code: 201 });
    expect(await shadow('GET', `/namespaces/nowhere/configmaps/${name}`)).toMatchObject({
      code: 200,
      body: { metadata: { name, namespace: 'nowhere' } },
    });
    const created = await shadow('POST', '/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    });
    expect(created.body.metadata.labels).toMatchObject({ 'kubernetes.io/metadata.name': 'default' });
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'system:Upper' },
      rules: [],
    };
    expect(await shadow('POST', '/clusterroles', { body: role })).toMatchObject({ code: 201 });
  });

  it('is no longer selected by a label that was removed', async () => {
    await shadow('POST', '/namespaces/labels/configmaps', { body: configMap('a', { labels: { x: 'y' } }) });
    expect(namesOf(await shadow('GET', '/namespaces/labels/configmaps?labelSelector=x=y'))).toEqual(['a']);
    const type = 'application/merge-patch+json';
    await shadow('PATCH', '/namespaces/labels/configmaps/a', { body: { metadata: { labels: { x: null } } }, type });
    expect(namesOf(await shadow('GET', '/namespaces/labels/configmaps?labelSelector=x=y'))).toEqual([]);
    const manifests = admin.resource(resourceDefinition('apps.clusternet.io/v1alpha1', 'Manifest', 'manifests', true));
    const { metadata } = await manifests.get({ namespace: 'clusternet-reserved', name: 'configmaps.labels.a' });
    expect(metadata.labels).toEqual({
      'apps.clusternet.io/config.group': '',
      'apps.clusternet.io/config.kind': 'ConfigMap',
      'apps.clusternet.io/config.name': 'a',
      'apps.clusternet.io/config.namespace': 'labels',
      'apps.clusternet.io/config.version': 'v1',
      'clusternet.io/created-by': 'clusternet-hub',
    });
  });

  it('keeps the ports that were asked for, though the parent has given them away', async () => {
    const spec = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'pinned', namespace: scratch }, spec };
    await admin.resource(core.services).create(service);
    const created = await shadow('POST', `/namespaces/${scratch}/services`, { body: service });
    expect(created).toMatchObject({ code: 201, body: { spec: { ports: [{ port: 80, nodePort: 30080 }] } } });
    expect(created.body['spec']).not.toHaveProperty('clusterIP');
  });

  it('is scaled where its kind says', async () => {
    const widget = { apiVersion: 'example.io/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { replicas: 2 } };
    await shadow('POST', '/namespaces/scales/widgets', { body: widget });
    const type = 'application/merge-patch+json';
    const scaled = await shadow('PATCH', '/namespaces/scales/widgets/w/scale', { body: { spec: { replicas: 5 } }, type });
    expect(scaled).toMatchObject({ code: 200, body: { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 5 } } });
    expect((await shadow('GET', '/namespaces/scales/widgets/w')).body['spec']).toEqual({ replicas: 5 });
  });

  it("is nobody's who may not create the real object", async () => {
    const refused = await shadow('POST', '/namespaces/nowhere/configmaps', { body: configMap('mine'), as: 'jane' });
    expect(refused).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
    await admin.resource(core.clusterRoles).create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'templates' },
      rules: [{ apiGroups: ['shadow'], resources: ['*'], verbs: ['*'] }],
    });
    const jane = { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' };
    await admin.resource(core.clusterRoleBindings).create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'templates' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'templates' },
      subjects: [jane],
    });
    await eventually(async () => {
      for (const place of ['nowhere', scratch]) {
        const { code, body } = await shadow('POST', `/namespaces/${place}/configmaps`, { body: configMap('mine'), as: 'jane' });
        expect(code).toBe(403);
        expect(body['message']).toContain(
          `configmaps is forbidden: User "jane" cannot create resource "configmaps" in API group "" in the namespace "${place}"`,
        );
      }
    }, 30);
  });
});

describe('lists and watches', () => {
  it('come in pages of one state', async () => {
    for (const name of ['a', 'b', 'c']) await shadow('POST', '/namespaces/pages/configmaps', { body: configMap(name) });
    const first = await shadow('GET', '/namespaces/pages/configmaps?limit=2');
    await shadow('DELETE', '/namespaces/pages/configmaps/c');
    const rest = await shadow(
      'GET',
      `/namespaces/pages/configmaps?limit=2&continue=${(first.body.metadata as { continue?: string }).continue ?? ''}`,
    );
    expect([namesOf(first), namesOf(rest)]).toEqual([['a', 'b'], ['c']]);
    expect(namesOf(await shadow('GET', '/namespaces/pages/configmaps'))).toEqual(['a', 'b']);
  });

  it('begin where they are asked to', async () => {
    const { body } = await shadow('GET', '/namespaces/pages/configmaps');
    const version = body.metadata.resourceVersion ?? '';
    await shadow('POST', '/namespaces/pages/configmaps', { body: configMap('d') });
    expect(await watched(`/namespaces/pages/configmaps?resourceVersion=${version}`, 1)).toMatchObject([
      { type: 'ADDED', object: { metadata: { name: 'd' } } },
    ]);
    expect((await watched('/namespaces/pages/configmaps?resourceVersion=0', 9)).map(({ type }) => type)).toEqual([
      'ADDED',
      'ADDED',
      'ADDED',
    ]);
    const streamed = await watched(
      '/namespaces/pages/configmaps?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
      9,
    );
    expect(streamed.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
    expect(streamed.at(-1)?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    expect(await watched('/namespaces/pages/configmaps?resourceVersion=1', 1)).toMatchObject([
      { type: 'ERROR', object: { code: 410, reason: 'Expired' } },
    ]);
  });
});

describe('the namespace of a template', () => {
  it('can be deleted in the parent, and the template stays', async () => {
    const name = 'going';
    await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await shadow('POST', `/namespaces/${name}/configmaps`, { body: configMap('stays') });
    await admin.resource(core.namespaces).delete({ name });
    await eventually(async () => expect(await admin.resource(core.namespaces).find({ name })).toBeUndefined(), 40);
    expect(await shadow('GET', `/namespaces/${name}/configmaps/stays`)).toMatchObject({ code: 200 });
    expect((await shadow('DELETE', `/namespaces/${name}/configmaps`)).code).toBe(200);
    expect(namesOf(await shadow('GET', `/namespaces/${name}/configmaps`))).toEqual([]);
  });
});
