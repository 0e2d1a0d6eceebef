// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import {
  ConnectionError,
  core,
  isAlreadyExists,
  isConflict,
  isGone,
  isInvalid,
  isNotFound,
  KubeClient,
  NoKindError,
  resourceDefinition,
  type ResourceClient,
  type WatchEvent,
} from '@clusternet/client';
import { startClusters, type ClusterSet } from '@clusternet/localup';
import { customKind } from './testing/customKind.ts';
import { eventually } from './testing/eventually.ts';

let clusters: ClusterSet;
let client: KubeClient;
let configMaps: ResourceClient<KubeObject>;

beforeAll(async () => {
  clusters = await startClusters({ parent: true, children: 0 });
  client = await KubeClient.fromKubeConfig({ path: clusters.parent.kubeconfigPath });
  configMaps = client.resource(core.configMaps);
}, 1_200_000);

afterAll(async () => {
  await client?.close();
  await clusters?.close();
}, 120_000);

function configMap(name: string, data: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const refOf = (name: string): { name: string; namespace: string } => ({ name, namespace: 'default' });

describe('objects', () => {
  it('are created, read, replaced, patched, listed and deleted', async () => {
    const created = await configMaps.create(configMap('crud', { a: '1' }));
    expect(isAlreadyExists(await failureOf(configMaps.create(configMap('crud'))))).toBe(true);
    expect(await configMaps.get(refOf('crud'))).toEqual(created);

    const replaced = await configMaps.replace({ ...created, data: { a: '2' } });
    expect(replaced['data']).toEqual({ a: '2' });
    expect(isConflict(await failureOf(configMaps.replace({ ...created, data: { a: '3' } })))).toBe(true);

    expect((await configMaps.patch(refOf('crud'), { data: { b: '1' } }, { type: 'merge' }))['data']).toEqual({ a: '2', b: '1' });
    const remove = [{ op: 'remove', path: '/data/a' }];
    expect((await configMaps.patch(refOf('crud'), remove, { type: 'json' }))['data']).toEqual({ b: '1' });

    const { items } = await configMaps.list({ namespace: 'default', fieldSelector: 'metadata.name=crud' });
    expect(items.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name])).toEqual([
      ['v1', 'ConfigMap', 'crud'],
    ]);

    const preconditions = { uid: 'another' };
    expect(isConflict(await failureOf(configMaps.delete(refOf('crud'), { preconditions })))).toBe(true);
    await configMaps.delete(refOf('crud'));
    await configMaps.delete(refOf('crud'));
    expect(await configMaps.find(refOf('crud'))).toBeUndefined();
    await expect(configMaps.get(refOf('crud'))).rejects.toThrow('configmaps "crud" not found');
    expect(isInvalid(await failureOf(configMaps.create(configMap('Not A Name'))))).toBe(true);
  });

  it('are applied field by field', async () => {
    await configMaps.apply(configMap('applied', { a: 'one' }), { fieldManager: 'first' });
    expect(isConflict(await failureOf(configMaps.apply(configMap('applied', { a: 'two' }), { fieldManager: 'second' })))).toBe(
      true,
    );
    await configMaps.apply(configMap('applied', { b: 'two' }), { fieldManager: 'second' });
    expect((await configMaps.get(refOf('applied')))['data']).toEqual({ a: 'one', b: 'two' });
    await configMaps.apply(configMap('applied', { a: 'two' }), { fieldManager: 'second', force: true });
    expect((await configMaps.get(refOf('applied')))['data']).toEqual({ a: 'two' });
    expect((await configMaps.apply(configMap('applied', { a: '3' }), { fieldManager: 'second', dryRun: true }))['data']).toEqual({
      a: '3',
    });
    expect((await configMaps.get(refOf('applied')))['data']).toEqual({ a: 'two' });
  });

  it('are listed in pages, a compressed large list included', async () => {
    const labels = { pages: 'yes' };
    const names = Array.from({ length: 30 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
    await Promise.all(
      names.map((name) => {
        const object = configMap(name, { text: 'ü'.repeat(10_000) });
        return configMaps.create({ ...object, metadata: { ...object.metadata, labels } });
      }),
    );
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const page = await configMaps.list({ namespace: 'default', labelSelector: 'pages=yes', limit: 20, continue: next });
      seen.push(...page.items.map((o) => o.metadata.name ?? ''));
      next = page.metadata.continue;
    } while (next);
    expect(seen).toEqual(names);
    await configMaps.deleteCollection({ namespace: 'default', labelSelector: 'pages=yes' });
    expect((await configMaps.list({ namespace: 'default', labelSelector: 'pages=yes' })).items).toEqual([]);
  });
});

describe('watches', () => {
  it('report what happened since a resourceVersion, and end when their time is over', async () => {
    const { metadata } = await configMaps.list({ namespace: 'default' });
    await configMaps.create(configMap('watched', { a: '1' }));
    await configMaps.patch(refOf('watched'), { data: { a: '集群' } }, { type: 'merge' });
    await configMaps.delete(refOf('watched'));
    const events: WatchEvent<KubeObject>[] = [];
    const { signal } = new AbortController();
    for await (const event of configMaps.watch({
      namespace: 'default',
      resourceVersion: metadata.resourceVersion,
      timeoutSeconds: 2,
      signal,
    })) {
      events.push(event);
    }
    const changes = events.filter(({ type }) => type !== 'BOOKMARK');
    expect(changes.map(({ type, object }) => [type, object.metadata.name, object['data']])).toEqual([
      ['ADDED', 'watched', { a: '1' }],
      ['MODIFIED', 'watched', { a: '集群' }],
      ['DELETED', 'watched', { a: '集群' }],
    ]);
  });
});

describe('a restart of the API server', () => {
  it('ends watches and costs a request some time, nothing else', async () => {
    const abort = new AbortController();
    const watching = (async () => {
      for await (const { object } of configMaps.watch({ namespace: 'default', signal: abort.signal }))
        expect(object.metadata).toBeDefined();
      return 'ended';
    })().catch((error: unknown) => error);
    await configMaps.apply(configMap('before'), { fieldManager: 'e2e' });
    await clusters.parent.kill();
    const ended = await watching;
    if (ended !== 'ended') expect(ended).toBeInstanceOf(ConnectionError);
    await expect(configMaps.create(configMap('down'), { timeoutMs: 300 })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ECONNREFUSED',
      sent: false,
    });
    await clusters.parent.restart();
    expect((await configMaps.get(refOf('before'))).metadata.name).toBe('before');
    expect(await configMaps.find(refOf('down'))).toBeUndefined();
  });

  it('makes it forget old resourceVersions, and says so', async () => {
    const watch = configMaps.watch({ resourceVersion: '1', timeoutSeconds: 10, signal: new AbortController().signal });
    const outcome = (async () => {
      for await (const { type } of watch) return type;
      return 'ended';
    })();
    expect(isGone(await failureOf(outcome))).toBe(true);
  });

  it('does not hide a server that hangs', async () => {
    await clusters.parent.pause();
    try {
      await expect(configMaps.get(refOf('before'), { timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    } finally {
      await clusters.parent.resume();
    }
    expect((await configMaps.get(refOf('before'))).metadata.name).toBe('before');
  });
});

describe('the mapper', () => {
  it('notices a new CustomResourceDefinition', async () => {
    await expect(client.mapper.resourceFor('client.example.com/v1', 'Widget')).rejects.toBeInstanceOf(NoKindError);
    expect(await client.mapper.resourceFor('apps/v1', 'Deployment')).toEqual(
      resourceDefinition('apps/v1', 'Deployment', 'deployments', true),
    );
    const expected = resourceDefinition('client.example.com/v1', 'Widget', 'widgets', false);
    await client.resource(core.customResourceDefinitions).create(customKind(expected));
    const widgets = await eventually(() => client.mapper.resourceFor('client.example.com/v1', 'Widget'));
    expect(widgets).toEqual(expected);
    const widget = { apiVersion: 'client.example.com/v1', kind: 'Widget', metadata: { name: 'w' }, size: 1 };
    expect(await eventually(() => client.resource(widgets).apply(widget, { fieldManager: 'e2e' }))).toMatchObject({
      size: 1,
    });
  });

  it('discovers everything the server serves', async () => {
    const { versions, stale } = await client.mapper.discover();
    expect(stale).toEqual([]);
    expect(versions.get('v1')?.get('Pod')).toEqual(core.pods);
    for (const definition of Object.values(core)) {
      const apiVersion = definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
      expect(versions.get(apiVersion)?.get(definition.kind)).toEqual(definition);
    }
  });
});

describe('credentials', () => {
  it('of a ServiceAccount work, and a wrong one is refused without being repeated in the error', async () => {
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const answer = await client.request<{ status: { token: string } }>({
      method: 'POST',
      path,
      body: { spec: { expirationSeconds: 600 } },
    });
    const { server } = client;
    await using account = KubeClient.fromOptions({ server, caPem: client.caPem, token: answer.status.token });
    await expect(account.resource(core.secrets).list({ namespace: 'default' })).rejects.toThrow('cannot list resource "secrets"');
    await using wrong = KubeClient.fromOptions({ server, caPem: client.caPem, token: 'very-secret' });
    const error: unknown = await wrong
      .resource(core.pods)
      .list()
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('very-secret');
    expect(isNotFound(error)).toBe(false);
  });
});
