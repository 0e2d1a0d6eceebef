// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition } from '@clusternet/api-types';
import { isNotFound } from './apiError.ts';
import { splitApiVersion } from './resourceDefinition.ts';

/** The server does not serve this kind, asked just now. */
export class NoKindError extends Error {
  override readonly name = 'NoKindError';
  readonly apiVersion: string;
  readonly kind: string;

  constructor(apiVersion: string, kind: string) {
    super(`the server does not know kind ${kind} in ${apiVersion}: is its CustomResourceDefinition installed?`);
    this.apiVersion = apiVersion;
    this.kind = kind;
  }
}

/** Milliseconds for which "there is no such kind" is believed. */
const refreshIntervalMs = 2_000;

interface ApiResourceList {
  resources?: { name: string; kind: string; namespaced: boolean; group?: string; version?: string }[];
}

interface GroupVersion {
  kinds: Map<string, ResourceDefinition>;
  fetchedAt: number;
}

/**
 * Translates apiVersion and kind into the resource that serves them. Only the group and version asked for is fetched,
 * once; it is fetched again when a kind is missing from it, at most every two seconds.
 */
export class RestMapper {
  readonly #fetch: (path: string, accept: string) => Promise<unknown>;
  readonly #now: () => number;
  readonly #known = new Map<string, GroupVersion>();
  readonly #fetching = new Map<string, Promise<GroupVersion>>();

  /** `fetch` gets a server path; `now` gives milliseconds. */
  constructor(o: { fetch: (path: string, accept: string) => Promise<unknown>; now?: () => number }) {
    this.#fetch = o.fetch;
    this.#now = o.now ?? (() => performance.now());
  }

  /** The resource of a kind. Throws {@link NoKindError} when the server, asked again, does not serve it. */
  async resourceFor(apiVersion: string, kind: string): Promise<ResourceDefinition> {
    const known = this.#known.get(apiVersion);
    const found = known?.kinds.get(kind);
    if (found) return found;
    if (known && this.#now() - known.fetchedAt < refreshIntervalMs) throw new NoKindError(apiVersion, kind);
    const fresh = (await this.#refresh(apiVersion)).kinds.get(kind);
    if (!fresh) throw new NoKindError(apiVersion, kind);
    return fresh;
  }

  /** Forgets everything, for example after a CustomResourceDefinition was replaced. */
  invalidate(): void {
    this.#known.clear();
  }

  #refresh(apiVersion: string): Promise<GroupVersion> {
    let fetching = this.#fetching.get(apiVersion);
    if (!fetching) {
      fetching = this.#read(apiVersion).finally(() => this.#fetching.delete(apiVersion));
      this.#fetching.set(apiVersion, fetching);
    }
    return fetching;
  }

  async #read(apiVersion: string): Promise<GroupVersion> {
    const { group, version } = splitApiVersion(apiVersion);
    const kinds = new Map<string, ResourceDefinition>();
    for (const r of await this.#resources(group, version)) {
      // Subresources such as pods/status repeat the kind.
      if (r.name.includes('/')) continue;
      const definition = {
        group: r.group || group,
        version: r.version || version,
        resource: r.name,
        kind: r.kind,
        namespaced: r.namespaced,
      };
      if (!kinds.has(r.kind)) kinds.set(r.kind, definition);
    }
    const result = { kinds, fetchedAt: this.#now() };
    this.#known.set(apiVersion, result);
    return result;
  }

  async #resources(group: string, version: string): Promise<NonNullable<ApiResourceList['resources']>> {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    try {
      return ((await this.#fetch(path, 'application/json')) as ApiResourceList).resources ?? [];
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }
}
