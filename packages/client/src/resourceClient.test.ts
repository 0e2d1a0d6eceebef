// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { core } from './core.ts';
import { KubeClient } from './kubeClient.ts';
import { type ResourceClient } from './resourceClient.ts';
import { json, type ReceivedRequest, TestServer } from './testing/testServer.ts';

const ref = { name: 'b', namespace: 'a' };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: ref };

async function sent(
  run: (pods: ResourceClient<KubeObject>) => Promise<unknown>,
): Promise<Partial<ReceivedRequest> & { type?: string }> {
  await using server = await TestServer.start((_, s) => json(s, pod));
  await using client = KubeClient.fromOptions({ server: server.url });
  await run(client.resource(core.pods));
  const { method, url, body, headers } = server.requests[0] ?? {};
  return { method, url, body: body === '' ? undefined : (JSON.parse(body ?? '') as string), type: headers?.['content-type'] };
}

describe('ResourceClient', () => {
  const base = '/api/v1/namespaces/a/pods';

  it('creates, replaces and gets', async () => {
    expect(await sent((pods) => pods.create(pod, { fieldManager: 'me', dryRun: true, fieldValidation: 'Ignore' }))).toEqual({
      method: 'POST',
      url: `${base}?dryRun=All&fieldManager=me&fieldValidation=Ignore`,
      body: pod,
      type: 'application/json',
    });
    expect(await sent((pods) => pods.replace(pod, { subresource: 'status' }))).toMatchObject({
      method: 'PUT',
      url: `${base}/b/status`,
      body: pod,
    });
    expect(await sent((pods) => pods.get(ref))).toEqual({ method: 'GET', url: `${base}/b`, body: undefined, type: undefined });
  });

  it.each([
    ['merge', 'application/merge-patch+json'],
    ['json', 'application/json-patch+json'],
    ['strategic', 'application/strategic-merge-patch+json'],
  ] as const)('patches as %s', async (type, contentType) => {
    expect(await sent((pods) => pods.patch(ref, [1], { type, subresource: 'status', fieldManager: 'me' }))).toEqual({
      method: 'PATCH',
      url: `${base}/b/status?fieldManager=me`,
      body: [1],
      type: contentType,
    });
  });

  it('applies, with the kind filled in', async () => {
    const partial = { metadata: { ...ref, labels: { x: 'y' } } } as unknown as KubeObject;
    expect(await sent((pods) => pods.apply(partial, { fieldManager: 'me', force: true, subresource: 'status' }))).toEqual({
      method: 'PATCH',
      url: `${base}/b/status?fieldManager=me&force=true`,
      body: { ...partial, apiVersion: 'v1', kind: 'Pod' },
      type: 'application/apply-patch+yaml',
    });
  });

  it('deletes with conditions', async () => {
    const options = { propagationPolicy: 'Foreground', preconditions: { uid: 'u' }, gracePeriodSeconds: 0 } as const;
    expect(await sent((pods) => pods.delete(ref, options))).toMatchObject({
      method: 'DELETE',
      url: `${base}/b`,
      body: { kind: 'DeleteOptions', apiVersion: 'v1', ...options },
    });
    expect(await sent((pods) => pods.deleteCollection({ namespace: 'a', labelSelector: 'x=y' }))).toMatchObject({
      method: 'DELETE',
      url: `${base}?labelSelector=x%3Dy`,
    });
  });

  it('lists by selector and page', async () => {
    expect(
      await sent((pods) =>
        pods.list({ labelSelector: 'x', limit: 5, continue: 'c', resourceVersion: '0', resourceVersionMatch: 'NotOlderThan' }),
      ),
    ).toMatchObject({
      url: '/api/v1/pods?labelSelector=x&limit=5&continue=c&resourceVersion=0&resourceVersionMatch=NotOlderThan',
    });
  });

  it('lists metadata alone, also of a server that sends whole objects', async () => {
    const items = [{ metadata: { name: 'a' }, spec: { nodeName: 'n' } }];
    await using server = await TestServer.start((_, s) => json(s, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items }));
    await using client = KubeClient.fromOptions({ server: server.url });
    const list = await client.resource(core.pods).listMetadata({ namespace: 'a', labelSelector: 'x' });
    expect(list.items).toEqual([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }]);
    expect(server.requests[0]).toMatchObject({
      url: `${base}?labelSelector=x`,
      headers: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json' },
    });
  });

  it('does not turn a missing namespace into a request for something else', async () => {
    await using client = KubeClient.fromOptions({ server: 'http://127.0.0.1:1' });
    const pods = client.resource(core.pods);
    await expect(pods.find({ name: 'b' })).rejects.toThrow('Pod b: a namespace is needed');
    await expect(pods.delete({ name: 'b' })).rejects.toThrow('a namespace is needed');
    await expect(pods.apply({ ...pod, metadata: {} } as unknown as KubeObject, { fieldManager: 'me' })).rejects.toThrow(
      'metadata.name is needed',
    );
  });
});
