// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { silentLogger } from '@clusternet/runtime';
import { contentOf, type RenderedContent } from '../rollout/revision.ts';
import { encodeObject } from '../render/encodeManifest.ts';
import { apiError, FakeCollection } from '../testing/fakeCollection.ts';
import { base, configMap, reserved } from '../testing/objects.ts';
import { RevisionStore } from './revisionStore.ts';

const { signal } = new AbortController();
let requests: string[];
let onRequest: (request: string) => Promise<void> | void;
let revisions: FakeCollection<KubeObject>;
let store: RevisionStore;
let now: Date;

beforeEach(() => {
  requests = [];
  onRequest = () => undefined;
  now = new Date('2026-03-01T00:00:00Z');
  revisions = new FakeCollection<KubeObject>({
    onRequest: (request) => {
      requests.push(request.split(' ')[0] ?? '');
      return onRequest(request);
    },
  });
  const client = { resource: () => revisions.client } as unknown as Pick<KubeClient, 'resource'>;
  store = new RevisionStore({ client, namespace: reserved, limit: 3, logger: silentLogger, now: () => now });
});

function content(value: string): RenderedContent {
  const raw = [encodeObject(configMap('a', { v: value }))];
  return contentOf([{ spec: { deployer: 'Generic', raw } } as never]);
}

const inCluster = (namespace: string) => base('app', [], { namespace, uid: `uid-${namespace}` });
const add = (value: string, o: { revision?: number; namespace?: string; history?: never[] } = {}) =>
  store.add(inCluster(o.namespace ?? 'ns-a'), { revision: o.revision ?? 1, content: content(value), history: [], signal });

it('clusters that had the same share one, also when they ask at the same time', async () => {
  const histories = await Promise.all(['ns-a', 'ns-b', 'ns-c'].map((namespace) => add('1', { namespace })));
  expect(requests).toEqual(['create']);
  expect(new Set(histories.map(([entry]) => entry?.kept)).size).toBe(1);
  expect(await store.find(histories[2] ?? [], { revision: 4, signal })).toEqual(content('1'));
  const [[other]] = [await add('2')];
  expect(other?.kept).not.toBe(histories[0]?.[0]?.kept);
});

it('a failed write is tried again by the next one', async () => {
  onRequest = () => {
    throw apiError(503, 'ServiceUnavailable');
  };
  await expect(add('1')).rejects.toThrow('ServiceUnavailable');
  onRequest = () => undefined;
  expect(await add('1')).toHaveLength(1);
});

it('one that is too large is listed, and not taken for the one before', async () => {
  const small = await add('1');
  const large = content(randomBytes(1_500_000).toString('base64'));
  const history = await store.add(inCluster('ns-a'), { revision: 2, content: large, history: small, signal });
  expect(history.map(({ revision, kept }) => [revision, kept !== undefined])).toEqual([
    [1, true],
    [2, false],
  ]);
  expect(await store.find(history, { revision: 2, signal })).toBeUndefined();
  expect(await store.find(history, { revision: 1, signal })).toEqual(content('1'));
});

describe('a sweep', () => {
  const later = (): void => void (now = new Date(now.getTime() + 11 * 60_000));

  it('takes away what nobody lists, once it is old and was not needed for a while', async () => {
    const [[kept], [old]] = [await add('1'), await add('2')];
    await store.sweep(new Set([kept?.kept ?? '']), signal);
    expect(revisions.liveKeys()).toHaveLength(2);
    later();
    await add('2', { revision: 7 });
    await store.sweep(new Set([kept?.kept ?? '']), signal);
    expect(revisions.liveKeys()).toHaveLength(2);
    later();
    await store.sweep(new Set([kept?.kept ?? '']), signal);
    expect(revisions.liveKeys()).toEqual([`${reserved}/${kept?.kept}`]);
    expect(await store.find([old ?? (undefined as never)], { revision: 1, signal })).toBeUndefined();
  });

  it('and one that is needed again in that moment do not cross', async () => {
    await add('1');
    later();
    let letGo = (): void => undefined;
    onRequest = (request) => (request.startsWith('delete') ? new Promise((resolve) => (letGo = resolve)) : undefined);
    const sweeping = store.sweep(new Set(), signal);
    await new Promise((resume) => setImmediate(resume));
    const again = add('1', { revision: 2 });
    letGo();
    await sweeping;
    const [entry] = await again;
    expect(revisions.liveKeys()).toEqual([`${reserved}/${entry?.kept}`]);
  });
});
