// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type KubeClient, objectKey, type ResourceClient } from '@clusternet/client';
import { type Logger } from '../logging/logger.ts';
import { informerMetrics, type InformerMetrics } from '../metrics/informerMetrics.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { systemClock, type Clock } from '../util/clock.ts';
import { abortReason } from '../util/sleep.ts';
import { type Change } from './change.ts';
import { Reflector } from './reflector.ts';
import { type Indexer, Store } from './store.ts';

/** Options of {@link Informer}. */
export interface InformerOptions<T extends KubeObject> {
  client: KubeClient;
  resource: ResourceDefinition;
  /** Only this namespace; default all. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  indexers?: Record<string, Indexer<T>>;
  /** Applied to each object before it is kept; default: {@link dropManagedFields}, which a transform of your own replaces. */
  transform?: (object: T) => T;
  /**
   * Told that every change up to a resourceVersion has reached the handlers; bookmarks count too. `listed` is true when a list brought it:
   * the handlers then saw the difference, but not each change that led to it.
   */
  onProgress?: (version: string, listed: boolean) => void;
  logger: Logger;
  metrics?: Metrics;
  /** Objects per page of a list; default 500. */
  pageSize?: number;
  clock?: Clock;
  random?: () => number;
}

type Handler<T extends KubeObject> = (change: Change<T>) => void;

/**
 * A local, indexed copy of a collection that follows the API server.
 *
 * @remarks
 * Never mutate an object taken from here: all readers share it. Handlers are called one after the other in the order of the changes; they
 * should only note what to do (add to a work queue). What they throw is logged and stops nothing. While they run, the stream waits in
 * the connection, so a slow one loses no change.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #resource: ResourceClient<T>;
  readonly #logger: Logger;
  readonly #metrics: InformerMetrics;
  readonly #store: Store<T>;
  readonly #handlers = new Set<Handler<T>>();
  readonly #abort = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #synced = false;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    const { resource, namespace } = options;
    this.#logger = options.logger.child({ resource: resource.resource, ...(namespace !== undefined && { watched: namespace }) });
    this.#resource = options.client.resource<T>(resource);
    this.#store = new Store(options.indexers, (index, error) => this.#logger.error('an indexer failed', { index, error }));
    this.#metrics = informerMetrics(options.metrics, resource.resource, () => this.#store.size);
    // Nobody may be waiting when the informer closes before it was in sync.
    this.#firstList.promise.catch(() => undefined);
  }

  /** Begins to follow; errors are retried until {@link Informer.close}. */
  start(): void {
    if (this.#running || this.#abort.signal.aborted) return;
    const { namespace, labelSelector, fieldSelector, pageSize = 500, clock = systemClock, random = Math.random } = this.#options;
    const reflector = new Reflector<T>({
      resource: this.#resource,
      selection: { namespace, labelSelector, fieldSelector },
      sink: {
        replaced: (objects) => {
          this.#tell(this.#store.replace(objects.map((object) => this.#transform(object))));
          this.#metrics.listed();
          this.#synced = true;
          this.#firstList.resolve();
        },
        set: (object) => this.#tell(this.#store.set(this.#transform(object))),
        deleted: (object) => this.#tell(this.#store.delete(objectKey(object), this.#transform(object))),
        progressed: (version, listed) => this.#options.onProgress?.(version, listed),
        restarted: (reason) => this.#metrics.watchRestarted(reason),
      },
      logger: this.#logger,
      pageSize,
      clock,
      random,
    });
    this.#running = reflector.run(this.#abort.signal);
  }

  /** Whether the first list is in and its handlers have been called. */
  get synced(): boolean {
    return this.#synced;
  }

  /** @throws the signal's reason when it is aborted first, an Error when the informer is closed first */
  async waitForSync(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!signal) return this.#firstList.promise;
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(abortReason(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#firstList.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** @param key - `namespace/name`, or `name` for cluster-scoped objects */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(): T[] {
    return this.#store.list();
  }

  keys(): string[] {
    return this.#store.keys();
  }

  /** @throws RangeError for an index that was not declared */
  byIndex(index: string, value: string): T[] {
    return this.#store.byIndex(index, value);
  }

  /**
   * Calls the handler for each change from now on, after an `added` for each object there is.
   *
   * @returns ends it
   */
  onChange(handler: Handler<T>): () => void {
    // Wrapped, so that one function given twice is two handlers.
    const entry: Handler<T> = (change) => handler(change);
    for (const object of this.#store.list()) this.#call(entry, { type: 'added', key: objectKey(object), object });
    this.#handlers.add(entry);
    return () => this.#handlers.delete(entry);
  }

  /** Stops following; what is known stays readable. */
  async close(): Promise<void> {
    const error = new Error(`informer of ${this.#options.resource.resource} is closed`);
    this.#abort.abort(error);
    this.#handlers.clear();
    this.#firstList.reject(error);
    await this.#running;
    this.#metrics.close();
  }

  #transform(object: T): T {
    try {
      return (this.#options.transform ?? dropManagedFields)(object);
    } catch (error) {
      this.#logger.error('the transform of an object failed', { key: objectKey(object), error });
      return object;
    }
  }

  #tell(changes: Change<T>[]): void {
    for (const change of changes) for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: Handler<T>, change: Change<T>): void {
    const failed = (error: unknown): void =>
      this.#logger.error('a change handler failed', { key: change.key, change: change.type, error });
    try {
      // An async function is a valid handler to the compiler; its rejection must not end the process.
      const result: unknown = handler(change);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** Drops `metadata.managedFields`, which is often half of an object and of no use to controllers. */
export function dropManagedFields<T extends KubeObject>(object: T): T {
  // Taken out of a copy: an object that a property was deleted from takes four times the memory from then on.
  const { managedFields: _, ...metadata } = object.metadata;
  object.metadata = metadata;
  return object;
}
