// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type Manifest, resources } from '@clusternet/api-types';
import { type JsonObject, readObject, StatusError, writeJson, writeList } from '@clusternet/apiserver';
import { resourcePath } from '@clusternet/client';
import { apiVersionOfKind, collectionOf } from '../kinds/servedKind.ts';
import { type ObjectRequest, type ShadowRequest } from '../shadowContext.ts';
import { shadowObject } from '../templates/shadowObject.ts';
import { type Stored } from '../templates/templateStore.ts';
import { aboutTemplate, notFound } from './errors.ts';
import { isSweeping } from './parentControllers.ts';
import { answerObject, readStored, selectedObjects } from './readObjects.ts';
import { isDryRun } from './writeOptions.ts';

const atOnce = 8;

/** Answers a delete: the Manifest goes, under the same conditions. */
export async function deleteObject(o: ObjectRequest): Promise<void> {
  const { request, response, kind, ref, context } = o;
  const options = await deleteOptions(o);
  if (isSweeping(request)) throw notFound(kind, ref.name);
  const stored = await readStored(context, kind, ref);
  const left = await remove(o, stored, options);
  // Finalizers hold it: it is going, not gone.
  if (left) return answerObject(o, left);
  const { group, plural } = kind;
  const details = { name: ref.name, ...(group !== '' && { group }), kind: plural, uid: stored.object.metadata.uid };
  writeJson(response, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

/** Answers the deletion of all that is selected. */
export async function deleteObjects(o: ShadowRequest): Promise<void> {
  const { request, response, kind, context } = o;
  const options = await deleteOptions(o);
  // Whoever empties a namespace of the parent does not mean the templates that are named alike.
  const objects = isSweeping(request) ? [] : await selectedObjects(o);
  for (let at = 0; at < objects.length; at += atOnce) {
    await Promise.all(
      objects.slice(at, at + atOnce).map(async ({ metadata: { namespace = '', name = '' } }) => {
        const stored = context.store.get(collectionOf(kind), { namespace, name });
        if (stored) await remove(o, stored, options).catch(ignoreGone);
      }),
    );
  }
  const head = {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOfKind(kind),
    metadata: { resourceVersion: String(context.store.log.version) },
  };
  return writeList({ request, response, head, key: 'items', items: objects, size: objects.length });
}

/** @returns the object when it is still there */
async function remove(
  { context, kind }: ShadowRequest,
  { manifest }: Stored,
  options: JsonObject,
): Promise<KubeObject | undefined> {
  const { name = '', namespace } = manifest.metadata;
  const path = resourcePath(resources.manifests, { namespace, name });
  const shown = manifest.template.metadata.name ?? '';
  try {
    const answer = await context.client.request<Manifest | { kind: 'Status' }>({ method: 'DELETE', path, body: options });
    const left = answer.kind === 'Status' ? undefined : (answer as Manifest);
    if (left?.metadata.resourceVersion !== undefined && options['dryRun'] === undefined) context.store.noteWrite(left);
    else if (options['dryRun'] === undefined) await gone(context.store, manifest, kind);
    return left && shadowObject(left);
  } catch (error) {
    throw aboutTemplate(kind, shown, error);
  }
}

/** A deletion has no version that its answer tells; the next read must not find the object all the same. */
async function gone(store: ShadowRequest['context']['store'], manifest: Manifest, kind: ShadowRequest['kind']): Promise<void> {
  const { namespace = '', name = '' } = manifest.template.metadata;
  const until = performance.now() + 1_000;
  for (;;) {
    const known = store.get(collectionOf(kind), { namespace, name });
    const left = until - performance.now();
    if (known?.manifest.metadata.uid !== manifest.metadata.uid || left <= 0) return;
    const change = store.log.changed(collectionOf(kind));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([change.promise, new Promise((resolve) => (timer = setTimeout(resolve, left)))]);
    clearTimeout(timer);
    change.cancel();
  }
}

/** Options of the body, or of the query, which only a request without a body has. */
async function deleteOptions({ request, query }: ShadowRequest): Promise<JsonObject> {
  const received = await readObject(request);
  const document = received.text.trim() === '' ? {} : received.document;
  if (!document) throw new StatusError(400, 'the body of the request is not DeleteOptions');
  const { preconditions, propagationPolicy = query.get('propagationPolicy') ?? undefined, dryRun } = document;
  const dry = isDryRun(query, 'DeleteOptions') ? ['All'] : dryRun;
  return { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy, ...(dry !== undefined && { dryRun: dry }) };
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof StatusError) || error.code !== 404) throw error;
}
