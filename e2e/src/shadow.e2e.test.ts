// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { core, KubeClient, resourceDefinition } from '@clusternet/client';
import { type ClusterSet, installChart, startClusters, startWorkload, type Workload } from '@clusternet/localup';
import { removeLeft, runActions, scratch } from './shadow/conformance.ts';
import { unmeant } from './shadow/differences.ts';
import { crds, samples } from './shadow/samples.ts';
import { parse } from 'yaml';
import { eventually } from './testing/eventually.ts';
import { logDir } from './testing/logDir.ts';
import { exposeHub } from './testing/exposeHub.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const namespace = 'clusternet-system';
const root = '/apis/shadow/v1alpha1';

type Answer = Record<string, unknown> & { metadata: KubeObject['metadata'] };

let set: ClusterSet;
let hub: Workload;
let admin: KubeClient;

beforeAll(async () => {
  set = await startClusters({ parent: {}, children: [], logDir: logDir() });
  const values = { replicaCount: 1, featureGates: { ShadowAPI: true } };
  const chart = { chartDir: file('charts/clusternet-hub'), release: 'clusternet-hub', namespace, values };
  await installChart({ cluster: set.parent, ...chart });
  hub = await startHub();
  await exposeHub(set.parent, 'v1alpha1.shadow', hub.port);
  admin = await KubeClient.fromKubeConfig({ path: set.parent.kubeconfigPath });
  await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: scratch } });
  for (const crd of crds) await admin.resource(core.customResourceDefinitions).create(crd);
}, 600_000);

afterAll(async () => {
  await admin?.close();
  await hub?.stop();
  await set?.close();
}, 120_000);

async function startHub(): Promise<Workload> {
  const entrypoints = { 'clusternet/clusternet-hub': file('packages/hub/dist/main.js') };
  const replica = await startWorkload({ cluster: set.parent, namespace, deployment: 'clusternet-hub', entrypoints });
  await replica.waitReady();
  return replica;
}

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
    });
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

  it('says itself who owns its fields; the Manifest around it does not, yet meets who applies it with a conflict', async () => {
    await shadow('POST', '/namespaces/owners/configmaps', { body: { ...configMap('a'), data: { x: 'first' } } });
    const type = 'application/merge-patch+json';
    await shadow('PATCH', '/namespaces/owners/configmaps/a?fieldManager=jane', { body: { data: { x: 'second' } }, type });
    const { body } = await shadow('GET', '/namespaces/owners/configmaps/a');
    expect(body.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'jane', fieldsV1: { 'f:data': { 'f:x': {} } } }),
    );
    const manifests = admin.resource(resourceDefinition('apps.clusternet.io/v1alpha1', 'Manifest', 'manifests', true));
    const stored = await manifests.get({ namespace: 'clusternet-reserved', name: 'configmaps.owners.a' });
    expect(stored.metadata).not.toHaveProperty('managedFields');
    const { apiVersion, kind, metadata } = stored;
    const applied = { apiVersion, kind, metadata: { name: metadata.name }, template: { data: { x: 'third' } } };
    const apply = (force: string) =>
      admin.answer({
        method: 'PATCH',
        path: `/apis/${apiVersion}/namespaces/clusternet-reserved/manifests/${metadata.name}`,
        query: { fieldManager: 'pipeline', force },
        body: applied,
        contentType: 'application/apply-patch+yaml',
      });
    expect((await apply('false')).status).toBe(409);
    expect((await apply('true')).status).toBe(200);
    await eventually(async () => {
      expect((await shadow('GET', '/namespaces/owners/configmaps/a')).body['data']).toEqual({ x: 'third' });
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
    });
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

describe('bad input', () => {
  const real = '/api/v1';
  const yaml = 'application/yaml';

  /** What both APIs say to the same request. */
  async function both(o: { method?: string; path: string; rawBody?: string; contentType?: string; as?: string }) {
    const { method = 'POST', path, rawBody, contentType, as } = o;
    const headers: Record<string, string> = as === undefined ? {} : { 'impersonate-user': as };
    const [expected, actual] = await Promise.all(
      [real, root].map(async (prefix) => {
        const answer = await admin.answer({ method, path: prefix + path, rawBody, contentType, headers });
        return { code: answer.status, body: JSON.parse(answer.body) as Answer };
      }),
    );
    return { expected, actual };
  }

  const configMaps = `/namespaces/${scratch}/configmaps`;

  it.each([
    ['YAML that cannot be read', { path: configMaps, rawBody: 'kind: [', contentType: yaml }],
    ['JSON that cannot be read', { path: configMaps, rawBody: '{"kind":', contentType: 'application/json' }],
    ['nothing', { path: configMaps, rawBody: '', contentType: 'application/json' }],
    ['a list', { path: configMaps, rawBody: '[]', contentType: 'application/json' }],
    ['text', { path: configMaps, rawBody: '"x"', contentType: 'application/json' }],
    ['another type', { path: configMaps, rawBody: 'kind=ConfigMap', contentType: 'application/x-www-form-urlencoded' }],
    ['a body beyond the limit', { path: configMaps, rawBody: 'x'.repeat(3_200_000), contentType: 'application/json' }],
    [
      'more data than an object may have',
      {
        path: configMaps,
        rawBody: JSON.stringify({ ...configMap('large'), data: { a: 'x'.repeat(1_100_000) } }),
        contentType: 'application/json',
      },
    ],
    ['a kind that is not there', { method: 'GET', path: `/namespaces/${scratch}/unknowns` }],
    ['a kind without namespaces in one', { method: 'GET', path: `/namespaces/${scratch}/nodes` }],
    ['a method that is not there', { method: 'PUT', path: configMaps, rawBody: '{}', contentType: 'application/json' }],
    ['an unknown option', { path: `${configMaps}?fieldValidation=Sometimes`, rawBody: '{}', contentType: 'application/json' }],
  ])('of %s gets the answer of the real API', async (_what, request) => {
    const { expected, actual } = await both(request);
    expect(actual).toEqual(expected);
  });

  it('of protobuf that is none is refused with the same code', async () => {
    const { expected, actual } = await both({
      path: configMaps,
      rawBody: '{}',
      contentType: 'application/vnd.kubernetes.protobuf',
    });
    expect([actual?.code, actual?.body['reason']]).toEqual([expected?.code, expected?.body['reason']]);
  });

  it('of a field given twice is refused when it is to be strict', async () => {
    const rawBody = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}`;
    const answers = await Promise.all(
      [real, root].map((prefix) =>
        admin.answer({ method: 'POST', path: prefix + configMaps, query: { fieldValidation: 'Strict' }, rawBody }),
      ),
    );
    const [expected, actual] = answers.map(({ status, body }) => [status, JSON.parse(body) as object]);
    expect(actual).toEqual(expected);
  });

  it('of a stranger is forbidden in the words of the real API', async () => {
    const rawBody = JSON.stringify(configMap('mine'));
    const { expected, actual } = await both({ path: configMaps, rawBody, as: 'joe' });
    const named = (text: unknown): string =>
      String(text).replaceAll('configmaps.shadow', 'configmaps').replaceAll('API group "shadow"', 'API group ""');
    expect(actual?.code).toBe(403);
    expect(named(actual?.body['message'])).toBe(expected?.body['message']);
    expect(actual?.body).toMatchObject({ reason: 'Forbidden', details: { kind: 'configmaps' } });
  });

  it('of integers that would lose digits is refused, whoever they come by', async () => {
    const widget = (size: string): string =>
      `{"apiVersion":"example.io/v1","kind":"Widget","metadata":{"name":"sized"},"spec":{"parts":[{"name":"a","size":${size}}]}}`;
    const path = `${root}/namespaces/sizes/widgets`;
    const send = async (method: string, at: string, rawBody: string, contentType: string) => {
      const query = contentType.includes('apply') ? { fieldManager: 'me' } : {};
      const { status, body } = await admin.answer({ method, path: at, rawBody, contentType, query });
      return { code: status, message: (JSON.parse(body) as { message?: string }).message };
    };
    const refused = { code: 422, message: expect.stringMatching(/9007199254740993.* beyond 2\^53/) };
    expect(await send('POST', path, widget('9007199254740993'), 'application/json')).toEqual(refused);
    const inYaml =
      'apiVersion: example.io/v1\nkind: Widget\nmetadata: { name: sized }\nspec: { parts: [{ name: a, size: 9007199254740993 }] }';
    expect(await send('POST', path, inYaml, yaml)).toEqual(refused);
    expect(await send('POST', path, widget('9007199254740991'), 'application/json')).toMatchObject({ code: 201 });
    const one = `${path}/sized`;
    const change = '{"spec":{"parts":[{"name":"a","size":9007199254740993}]}}';
    expect(await send('PATCH', one, change, 'application/merge-patch+json')).toEqual(refused);
    expect(await send('PATCH', one, widget('9007199254740993'), 'application/apply-patch+yaml')).toEqual(refused);
    expect((await admin.answer({ method: 'GET', path: one })).body).toContain('"size":9007199254740991');
  });
});

describe('two replicas', () => {
  const configMaps = resourceDefinition('shadow/v1alpha1', 'ConfigMap', 'configmaps', true);
  let second: Workload;
  let clients: [KubeClient, KubeClient];

  beforeAll(async () => {
    second = await startHub();
    const { users } = parse(await readFile(set.parent.kubeconfigPath, 'utf8')) as {
      users: [{ user: Record<'client-certificate-data' | 'client-key-data', string> }];
    };
    const pem = (field: keyof (typeof users)[0]['user']): string => Buffer.from(users[0].user[field], 'base64').toString('utf8');
    const straight = ({ port }: Workload): KubeClient =>
      KubeClient.fromOptions({
        server: `https://127.0.0.1:${port}`,
        insecureSkipTlsVerify: true,
        certPem: pem('client-certificate-data'),
        keyPem: pem('client-key-data'),
      });
    clients = [straight(hub), straight(second)];
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await second.stop();
  });

  const template = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'replicas' },
  });

  it('know what the other has made at once, and a version that is asked for', async () => {
    const [one, other] = clients.map((client) => client.resource<KubeObject>(configMaps));
    if (!one || !other) throw new Error('there are two');
    for (let n = 0; n < 5; n++) {
      const made = await one.create(template(`made-${n}`));
      expect(await other.get({ namespace: 'replicas', name: `made-${n}` })).toEqual(made);
      const changed = await other.patch(
        { namespace: 'replicas', name: `made-${n}` },
        { data: { n: String(n) } },
        { type: 'merge' },
      );
      const { resourceVersion } = changed.metadata;
      const list = await one.list({ namespace: 'replicas', resourceVersion, resourceVersionMatch: 'NotOlderThan' });
      expect(list.items.find(({ metadata }) => metadata.name === `made-${n}`)?.metadata.resourceVersion).toBe(resourceVersion);
      // Judged by what is there, not by what this replica knows of it.
      const replaced = await other.replace({ ...changed, metadata: { ...changed.metadata, labels: { n: 'x' } } });
      await one.replace({ ...replaced, metadata: { ...replaced.metadata, labels: { n: 'y' } } });
    }
  });

  it('lose no change that is made through both at a time', async () => {
    await clients[0].resource(configMaps).create(template('shared'));
    const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
    await Promise.all(
      keys.map((key, n) =>
        eventually(() =>
          clients[n % 2]
            ?.resource(configMaps)
            .patch({ namespace: 'replicas', name: 'shared' }, { data: { [key]: 'x' } }, { type: 'merge' }),
        ),
      ),
    );
    await eventually(async () => {
      for (const client of clients) {
        const { data } = (await client.resource(configMaps).get({ namespace: 'replicas', name: 'shared' })) as { data?: object };
        expect(Object.keys(data ?? {}).toSorted()).toEqual(keys.toSorted());
      }
    });
  });

  it('let a watch go on at the other when one is killed', async () => {
    const [stays, dies] = clients.map((client) => client.resource<KubeObject>(configMaps));
    if (!stays || !dies) throw new Error('there are two');
    const { metadata } = await dies.list({ namespace: 'watched' });
    const seen: string[] = [];
    let version = metadata.resourceVersion ?? '';
    const stop = new AbortController();
    const follow = async (at: typeof stays): Promise<void> => {
      for await (const { object } of at.watch({ namespace: 'watched', resourceVersion: version, signal: stop.signal })) {
        seen.push(object.metadata.name);
        version = object.metadata.resourceVersion ?? '';
      }
    };
    const first = follow(dies).catch(() => 'cut');
    const make = (name: string) => stays.create({ ...template(name), metadata: { name, namespace: 'watched' } });
    const names = Array.from({ length: 6 }, (_, n) => `w-${n}`);
    for (const name of names.slice(0, 3)) await make(name);
    await eventually(() => expect(seen).toEqual(names.slice(0, 3)));
    await second.kill('SIGKILL');
    for (const name of names.slice(3)) await make(name);
    await first;
    const then = follow(stays).catch(() => 'stopped');
    await eventually(() => expect(seen).toEqual(names));
    stop.abort();
    await then;
  });
});

describe('the namespace of a template', () => {
  it('can be deleted in the parent, and the template stays', async () => {
    const name = 'going';
    await admin.resource(core.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await shadow('POST', `/namespaces/${name}/configmaps`, { body: configMap('stays') });
    await admin.resource(core.namespaces).delete({ name });
    await eventually(async () => expect(await admin.resource(core.namespaces).find({ name })).toBeUndefined());
    expect(await shadow('GET', `/namespaces/${name}/configmaps/stays`)).toMatchObject({ code: 200 });
    expect((await shadow('DELETE', `/namespaces/${name}/configmaps`)).code).toBe(200);
    expect(namesOf(await shadow('GET', `/namespaces/${name}/configmaps`))).toEqual([]);
  });
});
