// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { isNotFound } from './apiError.ts';
import { type HeaderValues } from './credentials.ts';
import { type KubeClient } from './kubeClient.ts';
import { type ObjectRef } from './objectRef.ts';
import { type Query, resourcePath, withQuery } from './paths.ts';
import { joinApiVersion } from './resourceDefinition.ts';
import { runWatch, type WatchEvent } from './watch.ts';
import { type Transport } from './transport.ts';

/** A page of a collection. */
export interface KubeList<T> {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** Options every call takes. */
export interface CallOptions {
  signal?: AbortSignal;
  /** Milliseconds until the call is given up; 30 s if not given. */
  timeoutMs?: number;
}

/** Options of calls that write. */
export interface WriteOptions extends CallOptions {
  /** Validate and admit, but store nothing. */
  dryRun?: boolean;
  /** Who owns the fields written. */
  fieldManager?: string;
  /** What becomes of unknown and duplicate fields; the server warns of them if not given. */
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  subresource?: string;
}

/** Options of {@link ResourceClient.list}. */
export interface ListOptions extends CallOptions {
  /** Without it the collection of all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Largest number of items of one page. */
  limit?: number;
  /** `metadata.continue` of the page before. */
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

/** Options of {@link ResourceClient.patch}. */
export interface PatchOptions extends WriteOptions {
  type: 'merge' | 'json' | 'strategic';
}

/** Options of {@link ResourceClient.apply}. */
export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take over fields that other managers own instead of failing with Conflict. */
  force?: boolean;
}

/** Options of {@link ResourceClient.delete}. */
export interface DeleteOptions extends CallOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Delete only this very object or version; fails with Conflict otherwise. */
  preconditions?: { uid?: string; resourceVersion?: string };
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

/** Options of {@link ResourceClient.deleteCollection}. */
export interface DeleteCollectionOptions extends DeleteOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Options of {@link ResourceClient.watch}. */
export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Where to begin; without it the watch begins with an ADDED for everything there is. */
  resourceVersion?: string;
  /** Seconds after which the server ends the watch; 5 to 10 minutes if not given. */
  timeoutSeconds?: number;
  signal: AbortSignal;
}

/** Reads and writes the objects of one resource. Every method throws ApiError for a refusal, ConnectionError without an answer. */
export interface ResourceClient<T extends KubeObject> {
  readonly definition: ResourceDefinition;
  get(ref: ObjectRef, o?: CallOptions): Promise<T>;
  /** Like get, but undefined when there is no such object. */
  find(ref: ObjectRef, o?: CallOptions): Promise<T | undefined>;
  list(o?: ListOptions): Promise<KubeList<T>>;
  /** Like list, but nothing of the objects travels but their metadata. */
  listMetadata(o?: ListOptions): Promise<KubeList<KubeObject>>;
  create(object: T, o?: WriteOptions): Promise<T>;
  replace(object: T, o?: WriteOptions): Promise<T>;
  patch(ref: ObjectRef, patch: unknown, o: PatchOptions): Promise<T>;
  /** Server-side apply. The object may hold just the fields to own. */
  apply(object: T, o: ApplyOptions): Promise<T>;
  /** Deletes; an object that is not there is success. Objects with finalizers are only marked. */
  delete(ref: ObjectRef, o?: DeleteOptions): Promise<void>;
  deleteCollection(o?: DeleteCollectionOptions): Promise<void>;
  /**
   * Changes since `resourceVersion`, bookmarks included. Ends without error when the server ends it, when the connection
   * falls silent for longer than `timeoutSeconds`, and on abort; throws ApiError (see isGone) and ConnectionError.
   */
  watch(o: WatchOptions): AsyncIterable<WatchEvent<T>>;
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** A server that does not know this sends whole objects. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** Silence allowed beyond a watch's own end, for slow networks. */
const stallGraceMs = 5_000;
const watchOpenMs = 30_000;

/** {@link ResourceClient} over a {@link KubeClient}. */
export class RestResourceClient<T extends KubeObject> implements ResourceClient<T> {
  readonly definition: ResourceDefinition;
  readonly #client: KubeClient;
  readonly #transport: Transport;

  constructor(client: KubeClient, transport: Transport, definition: ResourceDefinition) {
    this.#client = client;
    this.#transport = transport;
    this.definition = definition;
  }

  async get(ref: ObjectRef, o: CallOptions = {}): Promise<T> {
    return this.#client.request<T>({ ...call(o), method: 'GET', path: this.#object(ref) });
  }

  async find(ref: ObjectRef, o: CallOptions = {}): Promise<T | undefined> {
    try {
      return await this.get(ref, o);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list(o: ListOptions = {}): Promise<KubeList<T>> {
    const list = await this.#list<T>(o);
    // Lists carry type information once; objects that travel on alone need their own.
    const apiVersion = joinApiVersion(this.definition);
    list.items ??= [];
    for (const item of list.items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= this.definition.kind;
    }
    return list;
  }

  async listMetadata(o: ListOptions = {}): Promise<KubeList<KubeObject>> {
    const list = await this.#list<Pick<KubeObject, 'metadata'>>(o, { accept: metadataOnly });
    const { definition } = this;
    const head = { apiVersion: joinApiVersion(definition), kind: definition.kind };
    return { ...list, items: (list.items ?? []).map(({ metadata }) => ({ ...head, metadata })) };
  }

  async create(object: T, o: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = resourcePath(this.definition, {
      namespace,
      ...(o.subresource ? { name, subresource: o.subresource } : {}),
    });
    return this.#client.request<T>({ ...call(o), method: 'POST', path, query: writeQuery(o), body: object });
  }

  async replace(object: T, o: WriteOptions = {}): Promise<T> {
    const path = this.#object(refOf(object), o.subresource);
    return this.#client.request<T>({ ...call(o), method: 'PUT', path, query: writeQuery(o), body: object });
  }

  async patch(ref: ObjectRef, patch: unknown, o: PatchOptions): Promise<T> {
    return this.#client.request<T>({
      ...call(o),
      method: 'PATCH',
      path: this.#object(ref, o.subresource),
      query: writeQuery(o),
      body: patch,
      contentType: patchTypes[o.type],
    });
  }

  async apply(object: T, o: ApplyOptions): Promise<T> {
    return this.#client.request<T>({
      ...call(o),
      method: 'PATCH',
      path: this.#object(refOf(object), o.subresource),
      query: { ...writeQuery(o), force: o.force },
      body: { ...object, apiVersion: joinApiVersion(this.definition), kind: this.definition.kind },
      contentType: 'application/apply-patch+yaml',
    });
  }

  async delete(ref: ObjectRef, o: DeleteOptions = {}): Promise<void> {
    try {
      await this.#client.request({ ...call(o), method: 'DELETE', path: this.#object(ref), body: deleteBody(o) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async deleteCollection(o: DeleteCollectionOptions = {}): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = o;
    await this.#client.request({
      ...call(o),
      method: 'DELETE',
      path: resourcePath(this.definition, { namespace }),
      query: { labelSelector, fieldSelector },
      body: deleteBody(o),
    });
  }

  watch(o: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { namespace, signal, ...query } = o;
    // Spread over five minutes, so that many watches do not all end at one moment.
    const timeoutSeconds = o.timeoutSeconds ?? Math.round(300 * (1 + Math.random()));
    const path = withQuery(resourcePath(this.definition, { namespace }), {
      ...query,
      watch: true,
      allowWatchBookmarks: true,
      timeoutSeconds,
    });
    const stallMs = timeoutSeconds * 1000 + stallGraceMs;
    const started = performance.now();
    return runWatch<T>(this.#transport, { path, signal, stallMs, openMs: watchOpenMs }, (code) =>
      this.#client.onRequest?.({
        method: 'WATCH',
        resource: this.definition.resource,
        code,
        durationMs: performance.now() - started,
      }),
    );
  }

  #list<I>(o: ListOptions, headers?: HeaderValues): Promise<KubeList<I>> {
    const path = resourcePath(this.definition, { namespace: o.namespace });
    return this.#client.request({ ...call(o), method: 'GET', path, query: listQuery(o), headers });
  }

  #object(ref: ObjectRef, subresource?: string): string {
    if (this.definition.namespaced && !ref.namespace) {
      throw new TypeError(`${this.definition.kind} ${ref.name}: a namespace is needed`);
    }
    return resourcePath(this.definition, { ...ref, subresource });
  }
}

function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata;
  if (!name) throw new TypeError(`${object.kind}: metadata.name is needed`);
  return { name, namespace };
}

function call({ signal, timeoutMs }: CallOptions): CallOptions {
  return { signal, timeoutMs };
}

function listQuery(o: ListOptions): Query {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = o;
  return { labelSelector, fieldSelector, limit, continue: o.continue, resourceVersion, resourceVersionMatch };
}

function writeQuery(o: WriteOptions): Query {
  return { dryRun: o.dryRun ? 'All' : undefined, fieldManager: o.fieldManager, fieldValidation: o.fieldValidation };
}

function deleteBody(o: DeleteOptions): object {
  const { propagationPolicy, preconditions, gracePeriodSeconds, dryRun } = o;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy,
    preconditions,
    gracePeriodSeconds,
    ...(dryRun ? { dryRun: ['All'] } : {}),
  };
}
