// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { ApiError, type KubeClient } from '@clusternet/client';

interface ReviewSpec {
  token?: string;
  user?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
  resourceAttributes?: Record<string, string>;
  nonResourceAttributes?: Record<string, string>;
}

/** An API server in memory: reviews answered by functions, ConfigMaps, Secrets and APIServices kept. */
export class FakeCluster {
  /** Kind and spec of every review asked for. */
  readonly reviews: { kind: string; spec: ReviewSpec }[] = [];
  /** Users by their token. */
  readonly tokens = new Map<string, { username: string; groups?: string[]; extra?: Record<string, string[]> }>();
  allow: (spec: ReviewSpec) => boolean = () => true;
  /** When set, every call fails with it. */
  failure: Error | undefined;
  /** Names of the requests that write. */
  readonly writes: string[] = [];
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Set<(event: { type: string; object: KubeObject }) => void>();
  #version = 0;

  get client(): KubeClient {
    return { resource: (definition: ResourceDefinition) => this.#resource(definition) } as unknown as KubeClient;
  }

  find<T extends KubeObject>(kind: string, name: string): T | undefined {
    return this.#objects.get(`${kind}/${name}`) as T | undefined;
  }

  set(object: Omit<KubeObject, 'metadata'> & { metadata: Partial<KubeObject['metadata']> }): KubeObject {
    const stored = structuredClone(object) as KubeObject;
    stored.metadata.resourceVersion = String(++this.#version);
    const key = `${stored.kind}/${stored.metadata.name}`;
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    this.#objects.set(key, stored);
    for (const tell of this.#watchers) tell({ type, object: structuredClone(stored) });
    return structuredClone(stored);
  }

  setAuthentication(data: Record<string, string>): void {
    const metadata = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
    this.set({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  }

  #resource({ kind }: ResourceDefinition): object {
    return {
      definition: {},
      list: async () => this.#call(() => ({ metadata: { resourceVersion: '1' }, items: this.#list(kind) })),
      watch: (o: { signal: AbortSignal }) => this.#watch(kind, o.signal),
      find: async ({ name }: { name: string }) => this.#call(() => structuredClone(this.find(kind, name))),
      create: async (object: KubeObject) => this.#call(() => this.#create(kind, object)),
      replace: async (object: KubeObject) => this.#call(() => this.#replace(kind, object)),
      patch: async ({ name }: { name: string }, patch: { spec: object }) =>
        this.#call(() => {
          this.writes.push(`patch ${kind}`);
          const old = this.find<KubeObject & { spec?: object }>(kind, name);
          if (!old) throw new ApiError('not found', { status: 404 });
          return this.set({ ...old, spec: { ...old.spec, ...patch.spec } });
        }),
    };
  }

  async #call<T>(run: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw this.failure;
    return run();
  }

  #list(kind: string): KubeObject[] {
    return structuredClone([...this.#objects.values()].filter((object) => object.kind === kind));
  }

  #create(kind: string, object: KubeObject & { spec?: ReviewSpec }): object {
    if (kind === 'TokenReview' || kind === 'SubjectAccessReview') {
      const spec = object.spec ?? {};
      this.reviews.push({ kind, spec });
      if (kind === 'SubjectAccessReview') return { status: { allowed: this.allow(spec) } };
      const user = this.tokens.get(spec.token ?? '');
      return { status: { authenticated: user !== undefined, user } };
    }
    this.writes.push(`create ${kind}`);
    if (this.find(kind, object.metadata.name)) throw new ApiError('exists', { status: 409, reason: 'AlreadyExists' });
    return this.set(object);
  }

  #replace(kind: string, object: KubeObject): KubeObject {
    this.writes.push(`replace ${kind}`);
    const old = this.find(kind, object.metadata.name);
    if (old?.metadata.resourceVersion !== object.metadata.resourceVersion) throw new ApiError('conflict', { status: 409 });
    return this.set(object);
  }

  async *#watch(kind: string, signal: AbortSignal): AsyncGenerator<{ type: string; object: KubeObject }> {
    const events: { type: string; object: KubeObject }[] = [];
    let wake: () => void = () => undefined;
    const tell = (event: { type: string; object: KubeObject }): void => {
      if (event.object.kind === kind) events.push(event);
      wake();
    };
    this.#watchers.add(tell);
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = events.shift();
        if (event) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#watchers.delete(tell);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
