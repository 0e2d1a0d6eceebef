// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type Manifest, resources } from '@clusternet/api-types';
import { EventLog } from '@clusternet/apiserver';
import { type KubeClient } from '@clusternet/client';
import { type Change, dropManagedFields, type Indexer, Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { templateKey, type TemplateRef } from './identity.ts';
import { shadowObject } from './shadowObject.ts';

/** A template with the Manifest that keeps it. */
export interface Stored {
  manifest: Manifest;
  object: KubeObject;
}

/** Options of {@link TemplateStore}. */
export interface TemplateStoreOptions {
  client: KubeClient;
  namespace: string;
  logger: Logger;
  metrics: Metrics;
  /** Of {@link TemplateStore.manifests}. */
  indexers?: Record<string, Indexer<Manifest>>;
  /** Changes that are remembered for watches. */
  logCapacity?: number;
}

const defaultLogCapacity = 4_000;
const settleMs = 3_000;

/** All templates, by kind, as they come in from one watch on the Manifests. */
export class TemplateStore {
  readonly log: EventLog<KubeObject>;
  /** What the templates are kept in, for others who need all Manifests. */
  readonly manifests: Informer<Manifest>;
  readonly #logger: Logger;
  readonly #collections = new Map<string, Map<string, Stored[]>>();
  readonly #places = new Map<string, { collection: string; key: string }>();
  readonly #sorted = new Map<string, KubeObject[]>();
  /** Versions that this replica has written and that have not come back yet, by object. */
  readonly #pending = new Map<string, number>();
  #listed = false;
  #written = 0;

  constructor(o: TemplateStoreOptions) {
    const { client, namespace, logger, metrics } = o;
    this.#logger = logger;
    this.log = new EventLog({ capacity: o.logCapacity ?? defaultLogCapacity });
    this.manifests = new Informer<Manifest>({
      client,
      resource: resources.manifests,
      namespace,
      indexers: o.indexers,
      transform: dropManagedFields,
      onProgress: (version, listed) => this.#progress(Number(version), listed),
      logger,
      metrics,
    });
  }

  get synced(): boolean {
    return this.manifests.synced;
  }

  async start(signal?: AbortSignal): Promise<void> {
    this.manifests.onChange((change) => this.#take(change));
    this.manifests.start();
    await this.manifests.waitForSync(signal);
  }

  close(): Promise<void> {
    return this.manifests.close();
  }

  get(collection: string, ref: TemplateRef): Stored | undefined {
    return this.#collections.get(collection)?.get(templateKey(ref))?.[0];
  }

  /** Templates of a kind in the order of namespaces and names. Do not change the array. */
  list(collection: string): readonly KubeObject[] {
    let sorted = this.#sorted.get(collection);
    if (!sorted) {
      const entries = [...(this.#collections.get(collection) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
      sorted = entries.flatMap(([, [stored]]) => (stored ? [stored.object] : []));
      this.#sorted.set(collection, sorted);
    }
    return sorted;
  }

  /** As {@link TemplateStore.list} was at an earlier version; undefined when that is too long ago. */
  listAt(collection: string, version: number): readonly KubeObject[] | undefined {
    const changes = this.log.since(collection, version);
    if (!changes) return undefined;
    if (changes.length === 0) return this.list(collection);
    const objects = new Map(this.list(collection).map((object) => [keyOf(object), object]));
    for (const { previous, object } of changes) {
      if (previous) objects.set(keyOf(previous), previous);
      else if (object) objects.delete(keyOf(object));
    }
    return [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Says that this replica has written; reads wait until the write has come back. */
  noteWrite(manifest: Manifest): void {
    const version = Number(manifest.metadata.resourceVersion ?? 0);
    this.#written = Math.max(this.#written, version);
    const place = placeOf(manifest);
    if (place && version > this.log.version) this.#pending.set(pendingKey(place.collection, place.key), version);
  }

  /** Waits until everything that this replica has written is known. */
  settled(): Promise<boolean> {
    return this.reached(this.#written);
  }

  /** Waits until what this replica has written of one object is known. */
  async settledOf(collection: string, ref: TemplateRef): Promise<void> {
    const version = this.#pending.get(pendingKey(collection, templateKey(ref)));
    if (version !== undefined) await this.reached(version);
  }

  /** Waits for a version, not for long; tells whether it has come. */
  async reached(version: number): Promise<boolean> {
    const until = performance.now() + settleMs;
    while (this.log.version < version) {
      const left = until - performance.now();
      if (left <= 0) return false;
      const change = this.log.changed('');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        void change.promise.then(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      change.cancel();
    }
    return true;
  }

  #progress(version: number, listed: boolean): void {
    // A list brings the difference to what was known, but not each change with its version: watches have to begin anew.
    if (listed) {
      this.log.reset(version);
      // After a restore from a backup what was written may never come.
      this.#written = 0;
      this.#pending.clear();
    } else {
      this.log.progress(version);
    }
    for (const [key, written] of this.#pending) if (written <= version) this.#pending.delete(key);
    if (listed && !this.#listed) this.#logger.info('templates are known', { version });
    this.#listed ||= listed;
  }

  #take(change: Change<Manifest>): void {
    const manifest = change.object;
    const place = change.type === 'deleted' ? undefined : placeOf(manifest);
    const old = this.#places.get(change.key);
    const version = Number(manifest.metadata.resourceVersion ?? 0);
    const moved = old && (!place || place.collection !== old.collection || place.key !== old.key);
    if (moved) this.#set(old, { name: change.key, version });
    if (place) this.#set(place, { name: change.key, version, stored: { manifest, object: shadowObject(manifest) } });
  }

  /** The oldest of several Manifests for one object is the one that counts. */
  #set(place: { collection: string; key: string }, o: { name: string; version: number; stored?: Stored }): void {
    const { collection, key } = place;
    const { name, version, stored } = o;
    const objects = this.#collections.get(collection) ?? new Map<string, Stored[]>();
    this.#collections.set(collection, objects);
    const all = objects.get(key) ?? [];
    const previous = all[0]?.object;
    const others = all.filter(({ manifest }) => nameOf(manifest) !== name);
    const now = stored ? [...others, stored].toSorted(byAge) : others;
    if (now.length > 0) objects.set(key, now);
    else objects.delete(key);
    if (stored) this.#places.set(name, place);
    else this.#places.delete(name);
    this.#sorted.delete(collection);
    const object = now[0]?.object;
    if (object !== previous) this.log.append({ collection, version, previous, object });
  }
}

function placeOf({ template }: Manifest): { collection: string; key: string } | undefined {
  const { apiVersion, kind, metadata } = template as Partial<KubeObject>;
  if (!apiVersion || !kind || !metadata?.name) return undefined;
  const slash = apiVersion.indexOf('/');
  const { name, namespace = '' } = metadata;
  return { collection: `${slash < 0 ? '' : apiVersion.slice(0, slash)}/${kind}`, key: templateKey({ namespace, name }) };
}

function pendingKey(collection: string, key: string): string {
  return `${collection} ${key}`;
}

function keyOf({ metadata: { namespace = '', name = '' } }: KubeObject): string {
  return templateKey({ namespace, name });
}

function nameOf({ metadata }: Manifest): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

function byAge(a: Stored, b: Stored): number {
  const key = ({ manifest: { metadata } }: Stored): string => `${metadata.creationTimestamp ?? ''} ${metadata.name ?? ''}`;
  return key(a) < key(b) ? -1 : 1;
}
