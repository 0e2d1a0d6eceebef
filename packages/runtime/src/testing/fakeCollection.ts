// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import {
  ApiError,
  core,
  type KubeClient,
  type KubeList,
  type ListOptions,
  type ObjectRef,
  objectKey,
  type ResourceClient,
  type WatchEvent,
  type WatchOptions,
} from '@clusternet/client';

interface Watcher {
  options: WatchOptions;
  queue: WatchEvent<KubeObject>[];
  end: { error?: Error } | undefined;
  wake: () => void;
}

/**
 * One collection of an API server, in memory: versions, pages, watches with history, and the faults of networks. Stands at the edge of
 * what is tested, where the client would be.
 */
export class FakeCollection {
  readonly definition: ResourceDefinition;
  /** Requests so far, as `list`, `watch`, `create name`, ... */
  readonly calls: string[] = [];
  readonly watches: WatchOptions[] = [];
  /** Called before each request; throws what the request is to fail with. */
  onCall: (call: string) => void | Promise<void> = () => undefined;
  readonly #objects = new Map<string, KubeObject>();
  #history: WatchEvent<KubeObject>[] = [];
  #watchers = new Set<Watcher>();
  #version = 100;
  #oldest = 0;
  #uids = 0;

  constructor(definition: ResourceDefinition = core.configMaps) {
    this.definition = definition;
  }

  /** A client that knows nothing but this collection. */
  get client(): KubeClient {
    return { resource: () => this.resource } as unknown as KubeClient;
  }

  get version(): number {
    return this.#version;
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()].sort();
  }

  /** Open watches. */
  get openWatches(): number {
    return this.#watchers.size;
  }

  /** Creates or changes an object. */
  put(object: KubeObject, options: { silently?: boolean } = {}): KubeObject {
    const key = objectKey(object);
    const before = this.#objects.get(key);
    const uid = object.metadata.uid ?? before?.metadata.uid ?? `uid-${++this.#uids}`;
    const stored = structuredClone({
      ...object,
      metadata: { ...object.metadata, uid, resourceVersion: String(++this.#version) },
    });
    this.#objects.set(key, stored);
    this.#emit({ type: before ? 'MODIFIED' : 'ADDED', object: stored }, options.silently);
    return structuredClone(stored);
  }

  remove(key: string, options: { silently?: boolean } = {}): void {
    const before = this.#objects.get(key);
    if (!before) return;
    this.#objects.delete(key);
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(++this.#version) } };
    this.#emit({ type: 'DELETED', object }, options.silently);
  }

  /** Moves the version on, as writes to other collections do, and tells the watches. */
  bookmark(): void {
    const metadata = { name: '', resourceVersion: String(++this.#version) };
    for (const watcher of this.#watchers) {
      watcher.queue.push({ type: 'BOOKMARK', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata } });
      watcher.wake();
    }
  }

  /** Forgets the past: watches from older versions are refused with 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  /** Goes back to an older state, as a restored backup does. */
  restore(version: number, objects: KubeObject[]): void {
    this.#version = version;
    this.#oldest = 0;
    this.#history = [];
    this.#objects.clear();
    for (const object of objects) this.#objects.set(objectKey(object), object);
  }

  /** Ends the open watches: in order, or with an error. */
  endWatches(error?: Error): void {
    for (const watcher of this.#watchers) {
      watcher.end = { error };
      watcher.wake();
    }
  }

  /** Takes the open watches off the wire: they stay open and hear nothing more. */
  blackHole(): void {
    this.#watchers = new Set();
  }

  readonly resource: ResourceClient<KubeObject> = this.#resource();

  #resource(): ResourceClient<KubeObject> {
    const call = async (name: string): Promise<void> => {
      this.calls.push(name);
      await this.onCall(name);
    };
    const stored = (ref: ObjectRef): KubeObject => {
      const object = this.#objects.get(objectKey(ref));
      if (!object) throw apiError(404, 'NotFound', `${ref.name} not found`);
      return object;
    };
    const resource: Partial<ResourceClient<KubeObject>> = {
      get: async (ref) => {
        await call(`get ${ref.name}`);
        return structuredClone(stored(ref));
      },
      find: async (ref) => {
        await call(`get ${ref.name}`);
        const object = this.#objects.get(objectKey(ref));
        return object && structuredClone(object);
      },
      list: async (options = {}) => {
        await call(options.continue === undefined ? 'list' : 'list page');
        return this.#list(options);
      },
      create: async (object) => {
        await call(`create ${object.metadata.name}`);
        if (this.#objects.has(objectKey(object))) throw apiError(409, 'AlreadyExists', 'already there');
        return this.put(object);
      },
      replace: async (object) => {
        await call(`replace ${object.metadata.name}`);
        const before = stored(object.metadata);
        if (before.metadata.uid !== object.metadata.uid || before.metadata.resourceVersion !== object.metadata.resourceVersion) {
          throw apiError(409, 'Conflict', 'changed meanwhile');
        }
        return this.put(object);
      },
      patch: async (ref, patch) => {
        await call(`patch ${ref.name}`);
        return this.put({ ...stored(ref), ...(patch as object) });
      },
      watch: (options) => this.#watch(options),
    };
    return { ...resource, definition: this.definition } as ResourceClient<KubeObject>;
  }

  #list(options: ListOptions): KubeList<KubeObject> {
    const all = this.keys().map((key) => structuredClone(this.#objects.get(key) as KubeObject));
    const from = Number(options.continue ?? 0);
    const to = options.limit === undefined ? all.length : from + options.limit;
    const metadata = { resourceVersion: String(this.#version), ...(to < all.length && { continue: String(to) }) };
    return { apiVersion: 'v1', kind: 'List', metadata, items: all.slice(from, to) };
  }

  async *#watch(options: WatchOptions): AsyncGenerator<WatchEvent<KubeObject>, void, void> {
    this.calls.push('watch');
    await this.onCall('watch');
    this.watches.push(options);
    const from = Number(options.resourceVersion);
    if (from < this.#oldest) throw apiError(410, 'Expired', 'too old resource version');
    const missed = this.#history.filter(({ object }) => Number(object.metadata.resourceVersion) > from);
    const watcher: Watcher = {
      options,
      queue: missed.map((event) => structuredClone(event)),
      end: undefined,
      wake: () => undefined,
    };
    this.#watchers.add(watcher);
    const onAbort = (): void => {
      watcher.end ??= {};
      watcher.wake();
    };
    options.signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        const event = watcher.queue.shift();
        if (event) yield event;
        else if (watcher.end?.error) throw watcher.end.error;
        else if (watcher.end || options.signal.aborted) return;
        else await new Promise<void>((resolve) => (watcher.wake = resolve));
      }
    } finally {
      options.signal.removeEventListener('abort', onAbort);
      this.#watchers.delete(watcher);
    }
  }

  #emit(event: WatchEvent<KubeObject>, silently = false): void {
    this.#history.push(event);
    if (silently) return;
    for (const watcher of this.#watchers) {
      watcher.queue.push(structuredClone(event));
      watcher.wake();
    }
  }
}

/** An error as the client throws it. */
export function apiError(status: number, reason: string, message: string): ApiError {
  return new ApiError(message, { status, reason });
}

/** A small object to put. */
export function configMap(
  name: string,
  data: Record<string, string> = {},
  metadata: Partial<KubeObject['metadata']> = {},
): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name, ...metadata }, data };
}
