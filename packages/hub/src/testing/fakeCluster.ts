// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { ApiError, type KubeList, objectKey, type ObjectRef, type ResourceClient } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { randomUUID } from 'node:crypto';
import { type Api, type Store } from '../kube/api.ts';
import { type Stores, watched } from '../stores.ts';

interface Collection {
  objects: Map<string, KubeObject>;
  handlers: Set<(change: Change<KubeObject>) => void>;
}

/** One write as a test looks at it: `patch managedclusters ns/name`. */
export type Write = string;

/**
 * The API server's edge in memory: just enough to tell what a controller writes, and to let it see its own writes. Real
 * semantics (validation, RBAC, namespace deletion) are what end-to-end tests are for.
 */
export class FakeCluster implements Api {
  readonly writes: Write[] = [];
  readonly #collections = new Map<string, Collection>();
  #version = 0;
  #created = 0;
  /** Answers `request`; a test sets it where its controller uses one. */
  onRequest: (request: { method: string; path: string; body?: unknown }) => unknown = () => {
    throw new ApiError('not found', { status: 404 });
  };

  async request<T>(request: { method: string; path: string; body?: unknown }): Promise<T> {
    this.writes.push(`${request.method} ${request.path}`);
    return this.onRequest(request) as T;
  }

  /** All shared stores, always in step with the objects. */
  stores(): Stores {
    return Object.fromEntries(
      Object.entries(watched).map(([key, { resource, indexers }]) => [key, this.#store(resource, indexers)]),
    ) as unknown as Stores;
  }

  /** Puts an object there as somebody else would. */
  put<T extends KubeObject>(definition: ResourceDefinition, object: T): T {
    return this.#set(definition, copyOf(object)) as T;
  }

  get<T extends KubeObject>(definition: ResourceDefinition, key: string): T | undefined {
    return this.#of(definition).objects.get(key) as T | undefined;
  }

  list<T extends KubeObject>(definition: ResourceDefinition): T[] {
    return [...this.#of(definition).objects.values()] as T[];
  }

  /** Takes an object away as somebody else would, finalizers or not. */
  remove(definition: ResourceDefinition, key: string): void {
    const { objects, handlers } = this.#of(definition);
    const object = objects.get(key);
    if (!object) return;
    objects.delete(key);
    for (const handler of handlers) handler({ type: 'deleted', key, object });
  }

  resource<T extends KubeObject>(definition: ResourceDefinition): ResourceClient<T> {
    const find = async (ref: ObjectRef): Promise<T | undefined> => this.get<T>(definition, objectKey(ref));
    const get = async (ref: ObjectRef): Promise<T> => {
      const object = this.get<T>(definition, objectKey(ref));
      if (!object) throw new ApiError(`${definition.resource} "${ref.name}" not found`, { status: 404 });
      return object;
    };
    const client: Partial<ResourceClient<T>> = {
      definition,
      get,
      find,
      list: async (o): Promise<KubeList<T>> => {
        const [label = '', value] = (o?.labelSelector ?? '').split('=');
        const items = this.list<T>(definition).filter(({ metadata }) => label === '' || metadata.labels?.[label] === value);
        return { apiVersion: apiVersionOf(definition), kind: `${definition.kind}List`, metadata: {}, items };
      },
      create: async (object) => {
        this.#note('create', definition, object.metadata);
        if (await find(object.metadata)) throw new ApiError('already exists', { status: 409, reason: 'AlreadyExists' });
        return this.#set(definition, copyOf(object)) as T;
      },
      patch: async (ref, patch, o) => {
        this.#note(`patch${o.subresource ? `/${o.subresource}` : ''}`, definition, ref);
        const present = await get(ref);
        const next = o.type === 'json' ? jsonPatched(present, patch as JsonOperation[]) : merged(present, patch);
        const wanted = (patch as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
        if (wanted !== undefined && wanted !== present.metadata.resourceVersion) {
          throw new ApiError('the object has been modified', { status: 409, reason: 'Conflict' });
        }
        return this.#set(definition, next as KubeObject) as T;
      },
      apply: async (object, o) => {
        this.#note(`apply${o.subresource ? `/${o.subresource}` : ''}`, definition, object.metadata);
        const present = await find(object.metadata);
        if (!present && o.subresource) throw new ApiError('not found', { status: 404 });
        return this.#set(definition, applied(present, object, o)) as T;
      },
      delete: async (ref) => {
        this.#note('delete', definition, ref);
        const present = await find(ref);
        if (!present) return;
        if ((present.metadata.finalizers ?? []).length === 0) return this.remove(definition, objectKey(ref));
        this.#set(definition, { ...present, metadata: { ...present.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
      },
    };
    return client as ResourceClient<T>;
  }

  #note(verb: string, definition: ResourceDefinition, ref: ObjectRef): void {
    this.writes.push(`${verb} ${definition.resource} ${objectKey(ref)}`);
  }

  #of(definition: ResourceDefinition): Collection {
    const key = `${definition.group}/${definition.resource}`;
    const present = this.#collections.get(key) ?? { objects: new Map(), handlers: new Set() };
    this.#collections.set(key, present);
    return present;
  }

  #set(definition: ResourceDefinition, object: KubeObject): KubeObject {
    const { objects, handlers } = this.#of(definition);
    const key = objectKey(object);
    const previous = objects.get(key);
    const { metadata } = object;
    metadata.uid ??= randomUUID();
    metadata.creationTimestamp ??= new Date(Date.UTC(2026, 0, 1) + this.#created++ * 1000).toISOString();
    metadata.resourceVersion = String(++this.#version);
    objects.set(key, object);
    if (metadata.deletionTimestamp && (metadata.finalizers ?? []).length === 0) this.remove(definition, key);
    else for (const handler of handlers) handler({ type: previous ? 'modified' : 'added', key, object, previous });
    return object;
  }

  #store(definition: ResourceDefinition, indexers: Record<string, (object: KubeObject) => string[]>): Store<KubeObject> {
    const collection = this.#of(definition);
    return {
      get: (key) => collection.objects.get(key),
      list: () => [...collection.objects.values()],
      byIndex: (index, value) => [...collection.objects.values()].filter((object) => indexers[index]?.(object).includes(value)),
      onChange: (handler) => {
        collection.handlers.add(handler);
        return () => collection.handlers.delete(handler);
      },
    };
  }
}

interface JsonOperation {
  op: string;
  path: string;
  value?: unknown;
}

function jsonPatched(object: KubeObject, operations: JsonOperation[]): KubeObject {
  const copy = copyOf(object);
  for (const { op, path, value } of operations) {
    const parts = path.split('/').slice(1);
    const last = parts.pop() ?? '';
    const parent = parts.reduce<Record<string, unknown>>((at, part) => at[part] as Record<string, unknown>, copy);
    if (op === 'test') {
      if (JSON.stringify(parent[last]) !== JSON.stringify(value)) throw new ApiError('test failed', { status: 422 });
    } else parent[last] = value;
  }
  return copy;
}

function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return copyOf(patch);
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** Server-side apply as far as the hub leans on it: labels that leave go, conditions are merged by type. */
function applied(
  present: KubeObject | undefined,
  object: KubeObject,
  o: { fieldManager: string; subresource?: string },
): KubeObject {
  if (!present) return withApplied(copyOf(object), object, o.fieldManager);
  const { conditions } = (object.status ?? {}) as { conditions?: { type: string }[] };
  const next = merged(
    present,
    o.subresource ? { status: object.status } : { ...object, metadata: { labels: object.metadata.labels } },
  ) as KubeObject;
  if (o.subresource) {
    const old = (present.status as { conditions?: { type: string }[] } | undefined)?.conditions ?? [];
    const types = (conditions ?? []).map(({ type }) => type);
    (next.status as { conditions: unknown }).conditions = [
      ...old.filter(({ type }) => !types.includes(type)),
      ...(conditions ?? []),
    ];
    return next;
  }
  for (const entry of present.metadata.managedFields ?? []) {
    if (entry.manager !== o.fieldManager) continue;
    const fields = (entry.fieldsV1 as { 'f:metadata': { 'f:labels': object } })['f:metadata']['f:labels'];
    for (const field of Object.keys(fields))
      if (!(field.slice(2) in (object.metadata.labels ?? {}))) delete next.metadata.labels?.[field.slice(2)];
  }
  return withApplied(next, object, o.fieldManager);
}

function withApplied(next: KubeObject, object: KubeObject, manager: string): KubeObject {
  const fields = Object.fromEntries(Object.keys(object.metadata.labels ?? {}).map((key) => [`f:${key}`, {}]));
  next.metadata.managedFields = [{ manager, operation: 'Apply', fieldsV1: { 'f:metadata': { 'f:labels': fields } } }];
  return next;
}

/** Not structuredClone: its objects have the prototypes of another realm under jest, which strict comparison tells apart. */
function copyOf<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
