// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { type KubeClient, resourcePath } from '@clusternet/client';
import { type Sample } from './samples.ts';

/** What one action was answered with. */
export interface Outcome {
  action: string;
  code: number;
  body: unknown;
}

export const scratch = 'conformance';

/** Where objects are: the real API, or the shadow one. */
export type Api = 'real' | 'shadow';

type Body = Record<string, unknown>;

const columnsText = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** Does to one API what clients do with objects of a kind, and notes every answer. */
export async function runActions(client: KubeClient, api: Api, sample: Sample): Promise<Outcome[]> {
  const { resource, object, patch, wrong, custom } = sample;
  const { name } = object.metadata;
  const collection = root(api, resourcePath(resource, { namespace: resource.namespaced ? scratch : undefined }));
  const one = `${collection}/${encodeURIComponent(name)}`;
  const outcomes: Outcome[] = [];
  const act = async (
    action: string,
    method: string,
    path: string,
    o: { body?: unknown; raw?: string; type?: string; accept?: string } = {},
  ): Promise<Body> => {
    const answer = await client.answer({
      method,
      path: path.split('?')[0] ?? '',
      query: Object.fromEntries(new URLSearchParams(path.split('?')[1] ?? '')),
      body: o.body,
      rawBody: o.raw,
      contentType: o.type,
      headers: { 'user-agent': 'conformance/1', ...(o.accept !== undefined && { accept: o.accept }) },
    });
    const body = parsed(answer.body);
    outcomes.push({ action, code: answer.status, body: normalized(body) });
    return body;
  };
  const merge = 'application/merge-patch+json';
  const apply = 'application/apply-patch+yaml';

  const identity = { apiVersion: object.apiVersion, kind: object.kind, metadata: { name } };
  await act('create without a name', 'POST', collection, { body: { ...object, metadata: {} } });
  await act('create with a wrong name', 'POST', collection, { body: { ...object, metadata: { name: 'Not/Valid' } } });
  await act('create another kind', 'POST', collection, { body: { ...object, kind: 'Other' } });
  await act('create another version', 'POST', collection, { body: { ...object, apiVersion: 'shadow/v1alpha1' } });
  await act('create from no JSON', 'POST', collection, { raw: '{"apiVersion":' });
  await act('create strictly with an unknown field', 'POST', `${collection}?fieldValidation=Strict`, {
    body: { ...object, unknown: 1 },
  });
  await act('create with a wrong type', 'POST', collection, { body: { ...object, metadata: { name, labels: 'x' } } });
  if (resource.namespaced) {
    await act('create in another namespace', 'POST', collection, {
      body: { ...object, metadata: { name, namespace: 'elsewhere' } },
    });
  }
  await act('create as a dry run', 'POST', `${collection}?dryRun=All`, { body: object });
  await act('get what a dry run made', 'GET', one);
  await act('create', 'POST', `${collection}?fieldManager=maker`, { body: object });
  await act('create again', 'POST', collection, { body: object });
  await act('get', 'GET', one);
  await act('get as a table', 'GET', one, { accept: columnsText });
  await act('list', 'GET', `${collection}?fieldSelector=metadata.name=${name}`);
  await act('list as a table', 'GET', `${collection}?labelSelector=tier=front&fieldSelector=metadata.name=${name}`, {
    accept: columnsText,
  });
  await act('list nothing', 'GET', `${collection}?labelSelector=tier=back`);
  await act('list by an unknown field', 'GET', `${collection}?fieldSelector=spec.unknown=1`);
  await act('list by a broken selector', 'GET', `${collection}?labelSelector=a+in+b`);
  await act('merge patch', 'PATCH', `${one}?fieldManager=merger`, { body: patch, type: merge });
  if (wrong) await act('merge patch that is refused', 'PATCH', one, { body: wrong, type: merge });
  await act('merge patch strictly with an unknown field', 'PATCH', `${one}?fieldValidation=Strict`, {
    body: { unknown: 1 },
    type: merge,
  });
  await act('merge patch of the name', 'PATCH', one, { body: { metadata: { name: 'another' } }, type: merge });
  await act('strategic merge patch', 'PATCH', `${one}?fieldManager=merger`, {
    body: { metadata: { labels: { tier: 'back', extra: '1' } } },
    type: 'application/strategic-merge-patch+json',
  });
  await act('JSON patch', 'PATCH', `${one}?fieldManager=patcher`, {
    body: [{ op: 'add', path: '/metadata/labels/patched', value: 'yes' }],
    type: 'application/json-patch+json',
  });
  await act('JSON patch with a failing test', 'PATCH', one, {
    body: [{ op: 'test', path: '/metadata/name', value: 'x' }],
    type: 'application/json-patch+json',
  });
  await act('JSON patch that is none', 'PATCH', one, { body: { op: 'add' }, type: 'application/json-patch+json' });
  await act('patch of an unknown type', 'PATCH', one, { body: {}, type: 'application/unknown' });
  await act('apply without a manager', 'PATCH', one, { body: identity, type: apply });
  await act('apply', 'PATCH', `${one}?fieldManager=applier`, {
    body: { ...identity, metadata: { name, labels: { applied: 'one', kept: '1' } } },
    type: apply,
  });
  await act('apply against another manager', 'PATCH', `${one}?fieldManager=other`, {
    body: { ...identity, metadata: { name, labels: { applied: 'two' } } },
    type: apply,
  });
  await act('apply with force', 'PATCH', `${one}?fieldManager=other&force=true`, {
    body: { ...identity, metadata: { name, labels: { applied: 'two' } } },
    type: apply,
  });
  await act('apply less', 'PATCH', `${one}?fieldManager=applier`, { body: identity, type: apply });
  const current = await act('get before the update', 'GET', one);
  await act('update', 'PUT', `${one}?fieldManager=updater`, { body: withAnnotation(current, 'updated') });
  await act('update of an old version', 'PUT', one, { body: withAnnotation(current, 'late') });
  await act('update under another name', 'PUT', one, { body: { ...current, metadata: { name: 'another' } } });
  await act('update of what is not there', 'PUT', `${collection}/absent`, { body: { ...object, metadata: { name: 'absent' } } });
  await act('update from no JSON', 'PUT', one, { raw: '{' });
  await act('patch of what is not there', 'PATCH', `${collection}/absent`, { body: {}, type: merge });
  await act('get of what is not there', 'GET', `${collection}/absent`);
  await act('delete under a wrong condition', 'DELETE', one, {
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'x' } },
  });
  await act('delete as a dry run', 'DELETE', `${one}?dryRun=All`);
  if (!custom && ['Namespace', 'Pod', 'PersistentVolumeClaim', 'PersistentVolume'].includes(object.kind)) return outcomes;
  await act('delete', 'DELETE', one, { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' } });
  await act('delete again', 'DELETE', one);
  return outcomes;
}

/** What is left to clean up afterwards. */
export async function removeLeft(client: KubeClient, api: Api, { resource, object }: Sample): Promise<void> {
  const path = resourcePath(resource, { namespace: resource.namespaced ? scratch : undefined, name: object.metadata.name });
  await client.answer({ method: 'DELETE', path: root(api, path) });
}

export function root(api: Api, path: string): string {
  return api === 'real' ? path : path.replace(/^\/(?:api|apis\/[^/]+)\/[^/]+/, '/apis/shadow/v1alpha1');
}

function withAnnotation(object: Body, value: string): Body {
  const metadata = (object['metadata'] ?? {}) as KubeObject['metadata'];
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, touched: value } } };
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return { text };
  }
}

const volatile = ['uid', 'resourceVersion', 'creationTimestamp', 'time', 'status', 'clusternet.io/created-by', 'description'];

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function isByController(item: unknown): boolean {
  const { manager, subresource } = (item ?? {}) as Body;
  return manager === 'kube-controller-manager' || subresource === 'status';
}

/** An answer without what differs from one object to the next, or by the nature of a template. */
function normalized(value: unknown): unknown {
  // Controllers write to real objects, and to nothing of templates.
  if (Array.isArray(value)) return value.filter((item) => !isByController(item)).map(normalized);
  if (typeof value === 'string') {
    return value
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UID')
      .replaceAll(/^\d+s$/g, 'AGE')
      .replaceAll(/patch: Invalid value: ".*": (strict|json)/gs, 'patch: Invalid value: "OBJECT": $1')
      .replaceAll(/^Invalid value: ".*": (strict|json)/gs, 'Invalid value: "OBJECT": $1')
      .replaceAll(/^\d{4}-\d{2}-\d{2}T[\d:]+Z$/g, 'TIME');
  }
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Body;
  const isStatus = object['kind'] === 'Status';
  const entries = Object.entries(object).filter(([key]) => (isStatus && key === 'status') || !volatile.includes(key));
  return Object.fromEntries(
    entries
      .map(([key, item]) => [key, normalized(item)])
      .filter(([key, item]) => item !== undefined && !(key === 'labels' && isEmpty(item))),
  );
}
