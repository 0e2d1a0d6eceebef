// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { groups, type Manifest, resources, versions } from '@clusternet/api-types';
import { type GroupVersion, type GroupVersionHandlers, StatusError } from '@clusternet/apiserver';
import { type KubeClient } from '@clusternet/client';
import { type Indexer, type Informer, type Logger, type Metrics, Stack } from '@clusternet/runtime';
import { KindSource } from './kinds/kindSource.ts';
import { type ServedKind } from './kinds/servedKind.ts';
import { ParentAccess } from './parent/access.ts';
import { DryRun } from './parent/dryRun.ts';
import { ParentNamespaces } from './parent/namespaces.ts';
import { ParentSchemas } from './parent/schemas.ts';
import { createObject } from './requests/createObject.ts';
import { deleteObject, deleteObjects } from './requests/deleteObjects.ts';
import { patchObject } from './requests/patchObject.ts';
import { getObject, listObjects } from './requests/readObjects.ts';
import { scaleObject } from './requests/scaleObject.ts';
import { updateObject } from './requests/updateObject.ts';
import { type ObjectRequest, type ShadowContext, type ShadowRequest } from './shadowContext.ts';
import { TemplateStore } from './templates/templateStore.ts';

/** Options of {@link shadowApi}. */
export interface ShadowApiOptions {
  client: KubeClient;
  /** Namespace of the Manifests. */
  reservedNamespace: string;
  logger: Logger;
  metrics: Metrics;
  /** Indexes of {@link ShadowApi.manifests}. */
  indexers?: Record<string, Indexer<Manifest>>;
  now?: () => Date;
}

/** The shadow API of one replica. */
export interface ShadowApi {
  readonly groupVersion: GroupVersion;
  readonly handlers: GroupVersionHandlers;
  /** Whether kinds and templates are known. */
  readonly synced: boolean;
  /** The Manifests of the reserved namespace; each watch of them costs the parent, so others are to share this one. */
  readonly manifests: Informer<Manifest>;
  /** Resolves once requests can be answered. */
  start(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes the shadow API: every kind of the parent once more, for objects that run nowhere in it.
 *
 * @remarks What an object may be is the parent's to say, as a dry run in the name of the caller; what is kept are Manifests.
 */
export function shadowApi(o: ShadowApiOptions): ShadowApi {
  const { client, reservedNamespace, logger, metrics, indexers, now = () => new Date() } = o;
  const kinds = new KindSource({ client, logger, metrics });
  const namespaces = new ParentNamespaces({ client, logger, metrics });
  const store = new TemplateStore({ client, namespace: reservedNamespace, indexers, logger, metrics });
  const access = new ParentAccess(client);
  const context: ShadowContext = {
    client,
    manifests: client.resource<Manifest>(resources.manifests),
    store,
    access,
    dryRun: new DryRun({ client, namespaces, access, reservedNamespace }),
    schemas: new ParentSchemas(client),
    reservedNamespace,
    now,
  };
  const stack = new Stack();
  for (const part of [kinds, namespaces, store]) stack.use(part);
  let synced = false;
  return {
    groupVersion: { group: groups.shadow, version: versions.shadow },
    handlers: {
      resources: () => (synced ? kinds.catalog.resources : []),
      handler: (request: IncomingMessage, response: ServerResponse) => route(context, kinds, { request, response }),
    },
    get synced() {
      return synced;
    },
    manifests: store.manifests,
    start: async (signal) => {
      await Promise.all([kinds.start(signal), namespaces.start(signal), store.start(signal)]);
      synced = true;
    },
    close: () => stack.close(),
  };
}

async function route(
  context: ShadowContext,
  kinds: KindSource,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { info, rawQuery } = request.kube;
  const kind = kinds.catalog.find(info.resource);
  const inNamespace = info.namespace !== undefined && info.resource !== 'namespaces';
  const misplaced = kind && (kind.namespaced ? info.name !== undefined && !inNamespace : inNamespace);
  if (!kind || misplaced || info.rawSuffix.replace('/', '') !== '') throw noSuchPath();
  const base = {
    context,
    request,
    response,
    kind,
    query: new URLSearchParams(rawQuery),
    namespace: kind.namespaced ? (info.namespace ?? '') : '',
  };
  if (info.name === undefined) return answerCollection(base, info.verb);
  const object: ObjectRequest = { ...base, ref: { namespace: base.namespace, name: info.name } };
  if (info.subresource === 'scale' && kind.scale) return scaleObject(object, kind.scale);
  if (info.subresource === 'status') return statusOfObject(object);
  return answer(object, info.verb);
}

function answerCollection(collection: ShadowRequest, verb: string): Promise<void> {
  switch (verb) {
    case 'list':
    case 'watch':
      return listObjects(collection);
    case 'create':
      return createObject(collection);
    case 'deletecollection':
      return deleteObjects(collection);
    default:
      throw methodNotAllowed();
  }
}

function answer(object: ObjectRequest, verb: string): Promise<void> {
  switch (verb) {
    case 'get':
      return getObject(object);
    case 'update':
      return updateObject(object);
    case 'patch':
      return patchObject(object);
    case 'delete':
      return deleteObject(object);
    default:
      throw methodNotAllowed();
  }
}

function methodNotAllowed(): StatusError {
  return new StatusError(405, 'the server does not allow this method on the requested resource', { details: {} });
}

/** The status of a template is that of its deployments, which are elsewhere. */
function statusOfObject(object: ObjectRequest): Promise<void> {
  if (object.request.kube.info.verb === 'get') return getObject(object);
  const { plural } = object.kind satisfies ServedKind;
  throw new StatusError(405, `${plural} are considered as templates, which make no sense to update templates' status`, {
    details: {},
  });
}

function noSuchPath(): StatusError {
  return new StatusError(404, 'the server could not find the requested resource', { details: {} });
}
