// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type KubeObject, type ResourceDefinition, resources } from '@clusternet/api-types';
import {
  ApiError,
  ConnectionError,
  core,
  type KubeClient,
  NoKindError,
  type ObjectRef,
  type WatchEvent,
} from '@clusternet/client';
import { omit } from '../omit.ts';
import { applyPatch, isMatch, mergePatch, ownedMerge } from './fakePatches.ts';

/** A request as the fake saw it. */
export interface FakeRequest {
  verb: 'get' | 'list' | 'create' | 'patch' | 'apply' | 'delete' | 'status';
  kind: string;
  name: string;
  body?: KubeObject;
}

interface Call {
  signal?: AbortSignal;
}

interface LogEntry {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: string;
  object: KubeObject;
  before?: KubeObject;
}

type Meta = KubeObject['metadata'];

/**
 * The behaviour of an API server that the deployer relies on, in memory at the edge of the client: server-side apply of one
 * manager, preconditions, finalizers, generations, CustomResourceDefinitions, watches.
 */
export class FakeApi {
  readonly requests: FakeRequest[] = [];
  /** Errors to throw instead of an answer. */
  refuse: (request: FakeRequest) => Error | undefined = () => undefined;
  /** No answer to anything, as of a cluster that is down. */
  down = false;
  readonly #objects = new Map<string, KubeObject>();
  readonly #applied = new Map<string, KubeObject>();
  readonly #log: LogEntry[] = [];
  #waiting: (() => void)[] = [];
  #version = 100;
  #uid = 0;

  /** The fake as a client. */
  get client(): KubeClient {
    return {
      server: 'https://fake',
      mapper: { resourceFor: (apiVersion: string, kind: string) => this.#resourceFor(apiVersion, kind) },
      resource: (definition: ResourceDefinition) => this.#resource(definition),
      request: async () => this.#answer({ verb: 'get', kind: 'Version', name: '' }),
    } as unknown as KubeClient;
  }

  /** Requests of one verb since the last {@link forget}. */
  sent(verb: FakeRequest['verb']): string[] {
    return this.requests.filter((request) => request.verb === verb).map(({ kind, name }) => `${kind}/${name}`);
  }

  forget(): void {
    this.requests.length = 0;
  }

  /** Looks at an object without a request. */
  peek(definition: ResourceDefinition, name: string, namespace?: string): KubeObject | undefined {
    return structuredClone(this.#objects.get(keyOf(definition, { name, namespace })));
  }

  /** Changes or makes an object as somebody else would. */
  put(definition: ResourceDefinition, object: KubeObject): KubeObject {
    const key = keyOf(definition, object.metadata);
    const before = this.#objects.get(key);
    const managedFields = [...(before?.metadata.managedFields ?? []), { manager: 'somebody' }];
    return this.#store(definition, { ...object, metadata: { ...object.metadata, managedFields } });
  }

  /** Deletes an object as somebody else would. */
  drop(definition: ResourceDefinition, name: string, namespace?: string): void {
    const key = keyOf(definition, { name, namespace });
    const object = this.#objects.get(key);
    if (!object) return;
    if ((object.metadata.finalizers ?? []).length > 0) {
      this.#store(definition, { ...object, metadata: { ...object.metadata, deletionTimestamp: new Date().toISOString() } });
    } else this.#erase(definition, key, object);
  }

  #resource(definition: ResourceDefinition): unknown {
    const { kind } = definition;
    const find = async (ref: ObjectRef, o?: Call): Promise<KubeObject | undefined> => {
      this.#answer({ verb: 'get', kind, name: ref.name }, o);
      return this.peek(definition, ref.name, ref.namespace);
    };
    return {
      definition,
      find,
      get: async (ref: ObjectRef, o?: Call) => (await find(ref, o)) ?? throwing(notFound(definition, ref.name)),
      list: async (o: { namespace?: string; labelSelector?: string } = {}) => {
        this.#answer({ verb: 'list', kind, name: '' });
        const items = [...this.#objects].filter(
          ([key, object]) => key.startsWith(`${storeOf(definition)}/`) && isMatch(object, o),
        );
        return {
          metadata: { resourceVersion: String(this.#version) },
          items: items.map(([, object]) => structuredClone(object)),
        };
      },
      watch: (o: { namespace?: string; labelSelector?: string; resourceVersion?: string; signal: AbortSignal }) =>
        this.#watch(definition, o),
      create: async (object: KubeObject) => {
        this.#answer({ verb: 'create', kind, name: object.metadata.name, body: object });
        return this.put(definition, object);
      },
      apply: async (object: KubeObject, o: Call & { subresource?: string }) => this.#apply(definition, object, o),
      patch: async (ref: ObjectRef, patch: unknown, o: Call & { type: string }) => {
        this.#answer({ verb: 'patch', kind, name: ref.name }, o);
        const live = this.peek(definition, ref.name, ref.namespace) ?? throwing(notFound(definition, ref.name));
        const next = o.type === 'json' ? applyPatch(live, patch as never) : (mergePatch(live, patch) as KubeObject);
        if (next.metadata.resourceVersion !== live.metadata.resourceVersion) throw conflict('the object has been modified');
        return this.#store(definition, next);
      },
      delete: async (ref: ObjectRef, o: Call & { preconditions?: { uid?: string } } = {}) => {
        this.#answer({ verb: 'delete', kind, name: ref.name }, o);
        const live = this.peek(definition, ref.name, ref.namespace);
        if (live && o.preconditions?.uid !== undefined && o.preconditions.uid !== live.metadata.uid) throw conflict('uid');
        this.drop(definition, ref.name, ref.namespace);
      },
    };
  }

  #apply(definition: ResourceDefinition, body: KubeObject, o: Call & { subresource?: string }): KubeObject {
    const { subresource } = o;
    const { name, namespace, uid } = body.metadata;
    this.#answer({ verb: subresource === 'status' ? 'status' : 'apply', kind: definition.kind, name, body }, o);
    const key = keyOf(definition, body.metadata);
    const live = this.#objects.get(key);
    if (subresource === 'status') {
      if (!live) throw notFound(definition, name);
      return this.#store(definition, { ...live, status: body['status'] });
    }
    if (!live && uid !== undefined) throw conflict(`uid mismatch: no existing object was found for ${uid}`);
    if (live && uid !== undefined && uid !== live.metadata.uid) throw conflict('uid mismatch');
    if (definition.namespaced && !this.#objects.has(keyOf(core.namespaces, { name: namespace ?? '' }))) {
      throw new ApiError(`namespaces "${namespace}" not found`, {
        status: 404,
        details: { kind: 'namespaces', name: namespace },
      });
    }
    if (!isBuiltIn(definition) && !this.#serves(definition)) throw notFound(definition, name);
    const merged = ownedMerge(live, this.#applied.get(key), body);
    const others = (live?.metadata.managedFields ?? []).filter((entry) => entry['manager'] !== 'clusternet');
    this.#applied.set(key, structuredClone(body));
    return this.#store(definition, {
      ...merged,
      metadata: { ...merged.metadata, managedFields: [...others, { manager: 'clusternet' }] },
    });
  }

  #store(definition: ResourceDefinition, object: KubeObject): KubeObject {
    const key = keyOf(definition, object.metadata);
    const before = this.#objects.get(key);
    const next = structuredClone(object);
    if (definition.kind === 'CustomResourceDefinition')
      next['status'] ??= { conditions: [{ type: 'Established', status: 'True' }] };
    if (definition.kind === 'Namespace') next['status'] ??= { phase: 'Active' };
    const specChanged = JSON.stringify(withoutStatus(before)) !== JSON.stringify(withoutStatus(next));
    if (before && !specChanged && JSON.stringify(before['status']) === JSON.stringify(next['status']))
      return structuredClone(before);
    const meta: Meta = {
      ...next.metadata,
      uid: before?.metadata.uid ?? `uid-${++this.#uid}`,
      creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString(),
      generation: (before?.metadata.generation ?? 0) + (specChanged ? 1 : 0),
      resourceVersion: String(++this.#version),
    };
    const stored: KubeObject = { ...next, metadata: meta };
    if (meta.deletionTimestamp !== undefined && (meta.finalizers ?? []).length === 0) {
      this.#erase(definition, key, stored);
      return stored;
    }
    this.#objects.set(key, stored);
    this.#tell({
      version: this.#version,
      type: before ? 'MODIFIED' : 'ADDED',
      resource: storeOf(definition),
      object: stored,
      before,
    });
    return structuredClone(stored);
  }

  #erase(definition: ResourceDefinition, key: string, object: KubeObject): void {
    this.#objects.delete(key);
    this.#applied.delete(key);
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#tell({ version: this.#version, type: 'DELETED', resource: storeOf(definition), object: gone });
    if (definition.kind !== 'Namespace') return;
    for (const [other, inside] of [...this.#objects]) {
      if (inside.metadata.namespace === object.metadata.name) this.#erase(definitionOf(other, inside), other, inside);
    }
  }

  #tell(entry: LogEntry): void {
    this.#log.push(structuredClone(entry));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async *#watch(
    definition: ResourceDefinition,
    o: { namespace?: string; labelSelector?: string; resourceVersion?: string; signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<KubeObject>> {
    let position = this.#log.findIndex(({ version }) => version > Number(o.resourceVersion ?? 0));
    if (position < 0) position = this.#log.length;
    while (!o.signal.aborted) {
      for (; position < this.#log.length; position++) {
        const entry = this.#log[position];
        if (entry?.resource !== storeOf(definition)) continue;
        const was = entry.before !== undefined && isMatch(entry.before, o);
        const is = isMatch(entry.object, o);
        // What no longer matches has left the watched collection.
        if (is) yield { type: entry.type, object: structuredClone(entry.object) };
        else if (was) yield { type: 'DELETED', object: structuredClone(entry.object) };
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        o.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #answer(request: FakeRequest, o: Call = {}): object {
    o.signal?.throwIfAborted();
    if (this.down)
      throw new ConnectionError({ server: 'https://fake', method: 'GET', path: '/', code: 'ECONNREFUSED', sent: false });
    this.requests.push(structuredClone(request));
    const error = this.refuse(request);
    if (error) throw error;
    return {};
  }

  async #resourceFor(apiVersion: string, kind: string): Promise<ResourceDefinition> {
    const known = [...Object.values(core), ...Object.values(resources)].find(
      (d) => apiVersionOf(d) === apiVersion && d.kind === kind,
    );
    if (known) return known;
    throw new NoKindError(apiVersion, kind);
  }

  #serves({ group, kind }: ResourceDefinition): boolean {
    return [...this.#objects.values()].some((object) => {
      const spec = object['spec'] as { group?: string; names?: { kind?: string } } | undefined;
      return object.kind === 'CustomResourceDefinition' && spec?.group === group && spec.names?.kind === kind;
    });
  }
}

/** Versions of one API show the same objects. */
function storeOf({ group, resource }: ResourceDefinition): string {
  return `${group}/*/${resource}`;
}

function keyOf(definition: ResourceDefinition, { name, namespace }: ObjectRef): string {
  return `${storeOf(definition)}/${definition.namespaced ? (namespace ?? '') : ''}/${name}`;
}

function definitionOf(key: string, object: KubeObject): ResourceDefinition {
  const [group = '', version = '', resource = ''] = key.split('/');
  return { group, version, resource, kind: object.kind, namespaced: true };
}

function isBuiltIn({ group, resource }: ResourceDefinition): boolean {
  return [...Object.values(core), ...Object.values(resources)].some((d) => d.group === group && d.resource === resource);
}

function withoutStatus(object: KubeObject | undefined): unknown {
  if (!object) return undefined;
  const metadata = omit(object.metadata, 'resourceVersion', 'generation', 'uid', 'creationTimestamp', 'managedFields');
  return { ...object, metadata, status: undefined };
}

function notFound({ resource }: ResourceDefinition, name: string): ApiError {
  return new ApiError(`${resource} "${name}" not found`, { status: 404, reason: 'NotFound', details: { kind: resource, name } });
}

function conflict(message: string): ApiError {
  return new ApiError(message, { status: 409, reason: 'Conflict' });
}

function throwing(error: Error): never {
  throw error;
}
