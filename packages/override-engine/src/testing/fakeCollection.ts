// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { ApiError, objectKey, type ObjectRef, type ResourceClient } from '@clusternet/client';
import { type Change, type Indexer } from '@clusternet/runtime';

/** What a {@link FakeCollection} is made with. */
export interface FakeCollectionOptions<T> {
  indexers?: Record<string, Indexer<T>>;
  /** As that of the informer. */
  transform?: (object: T) => T;
  /** Called before each request, e.g. `patch app-generic`; may throw the answer. */
  onRequest?: (request: string) => void | Promise<void>;
}

/** One kind in an API server, in memory, and an informer of it that can be made to lag behind. */
export class FakeCollection<T extends KubeObject> {
  /** While true the informer learns of nothing; {@link deliver} tells it. */
  lagging = false;
  readonly #o: FakeCollectionOptions<T>;
  readonly #live = new Map<string, T>();
  readonly #seen = new Map<string, T>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  #pending: { key: string; object: T | undefined }[] = [];
  static #version = 100;

  constructor(options: FakeCollectionOptions<T> = {}) {
    this.#o = options;
  }

  /** The object as the API server has it. */
  live(key: string): T | undefined {
    return copyOf(this.#live.get(key));
  }

  liveKeys(): string[] {
    return [...this.#live.keys()].sort();
  }

  /** Creates or changes an object. As in an API server, the generation follows everything but metadata and status. */
  put(object: T): T {
    const key = objectKey(object);
    const before = this.#live.get(key);
    const version = ++FakeCollection.#version;
    const { metadata } = object;
    const sameSpec = before !== undefined && contentOf(before) === contentOf(object);
    const same = before?.metadata.deletionTimestamp === metadata.deletionTimestamp && sameSpec;
    const stored = copyOf({
      ...object,
      metadata: {
        ...metadata,
        uid: before?.metadata.uid ?? metadata.uid ?? `uid-${version}`,
        creationTimestamp: metadata.creationTimestamp ?? '2026-01-01T00:00:00Z',
        generation: (before?.metadata.generation ?? 0) + (same ? 0 : 1),
        resourceVersion: String(version),
      },
    });
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) this.erase(key);
    else {
      this.#live.set(key, stored);
      this.#tell(key, stored);
    }
    return copyOf(stored);
  }

  /** Changes an object there is. */
  change(key: string, how: (object: T) => Partial<T>): T {
    const object = this.live(key);
    if (!object) throw new Error(`there is no ${key}`);
    return this.put({ ...object, ...how(object) });
  }

  /** Deletes an object, which stays while it has finalizers. */
  remove(key: string): void {
    const object = this.live(key);
    if (!object) return;
    if ((object.metadata.finalizers ?? []).length === 0) return this.erase(key);
    if (object.metadata.deletionTimestamp !== undefined) return;
    this.put({ ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-02-01T00:00:00Z' } });
  }

  /** Ends an object whatever its finalizers. */
  erase(key: string): void {
    if (this.#live.delete(key)) this.#tell(key, undefined);
  }

  /** Lets the informer catch up. */
  deliver(): void {
    this.lagging = false;
    for (const { key, object } of this.#pending.splice(0)) this.#see(key, object);
  }

  get = (key: string): T | undefined => this.#seen.get(key);

  list = (): T[] => [...this.#seen.values()];

  byIndex = (index: string, value: string): T[] =>
    [...this.#seen.values()].filter((object) => this.#o.indexers?.[index]?.(object).includes(value));

  onChange = (handler: (change: Change<T>) => void): (() => void) => {
    for (const [key, object] of this.#seen) handler({ type: 'added', key, object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  };

  waitForSync = async (): Promise<void> => {};

  /** The requests that a client may make. */
  get client(): ResourceClient<T> {
    const request = async (verb: string, { name }: ObjectRef): Promise<void> => this.#o.onRequest?.(`${verb} ${name}`);
    const client: Partial<ResourceClient<T>> = {
      find: async (ref) => {
        await request('get', ref);
        return this.live(objectKey(ref));
      },
      list: async ({ namespace, labelSelector = '' } = {}) => {
        const [label = '', value] = labelSelector.split('=');
        const isWanted = ({ metadata }: T): boolean =>
          (namespace === undefined || metadata.namespace === namespace) &&
          (label === '' || (value === undefined ? metadata.labels?.[label] !== undefined : metadata.labels?.[label] === value));
        return { items: [...this.#live.values()].filter(isWanted).map(copyOf), metadata: {} } as never;
      },
      listMetadata: async (o) => client.list?.(o) as never,
      create: async (object) => {
        await request('create', object.metadata);
        if (this.#live.has(objectKey(object))) throw apiError(409, 'AlreadyExists');
        return this.put(object);
      },
      patch: async (ref, patch) => {
        await request('patch', ref);
        const live = this.live(objectKey(ref));
        if (!live) throw apiError(404, 'NotFound');
        const next = merged(live, patch) as T;
        for (const field of ['uid', 'resourceVersion'] as const) {
          if (next.metadata[field] !== live.metadata[field]) throw apiError(409, 'Conflict');
        }
        return this.put(next);
      },
      apply: async (object) => {
        await request('apply', object.metadata);
        const live = this.live(objectKey(object));
        if (!live) throw apiError(404, 'NotFound');
        return this.put(merged(live, object) as T);
      },
      delete: async (ref, o = {}) => {
        await request('delete', ref);
        const uid = this.live(objectKey(ref))?.metadata.uid;
        if (uid !== undefined && o.preconditions?.uid !== undefined && o.preconditions.uid !== uid)
          throw apiError(409, 'Conflict');
        this.remove(objectKey(ref));
      },
    };
    return client as ResourceClient<T>;
  }

  #tell(key: string, object: T | undefined): void {
    if (this.lagging) this.#pending.push({ key, object });
    else this.#see(key, object);
  }

  #see(key: string, object: T | undefined): void {
    const previous = this.#seen.get(key);
    const next = object && (this.#o.transform ?? ((same) => same))(copyOf(object));
    const tell = (change: Change<T>): void => this.#handlers.forEach((handler) => handler(change));
    if (previous && previous.metadata.uid !== next?.metadata.uid) {
      this.#seen.delete(key);
      tell({ type: 'deleted', key, object: previous });
    }
    if (!next) return;
    const before = this.#seen.get(key);
    this.#seen.set(key, next);
    tell(before ? { type: 'modified', key, object: next, previous: before } : { type: 'added', key, object: next });
  }
}

/** An error as the client throws it. */
export function apiError(status: number, reason: string): ApiError {
  return new ApiError(`the API server says ${reason}`, { status, reason });
}

function contentOf({ metadata: _metadata, status: _status, ...content }: KubeObject): string {
  return JSON.stringify(content);
}

function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** Not structuredClone: its objects have the prototypes of another realm under jest, which strict comparison tells apart. */
function copyOf<V>(value: V): V {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as V);
}
