// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition } from '@clusternet/api-types';
import { discoverAll, discoverVersion, type Discovery, type DiscoveryFetch, type Kinds } from './discovery.ts';

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

interface Known {
  kinds: Kinds;
  fetchedAt: number;
}

/**
 * Translates apiVersion and kind into the resource that serves them. Only the group and version asked for is fetched,
 * once; it is fetched again when a kind is missing from it, at most every two seconds.
 */
export class RestMapper {
  readonly #fetch: DiscoveryFetch;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #fetching = new Map<string, Promise<Known>>();

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(o: { fetch: DiscoveryFetch; now?: () => number }) {
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

  /** Asks for everything the server serves, and remembers it. */
  async discover(): Promise<Discovery> {
    const discovery = await discoverAll(this.#fetch);
    const fetchedAt = this.#now();
    for (const [apiVersion, kinds] of discovery.versions) this.#known.set(apiVersion, { kinds, fetchedAt });
    return discovery;
  }

  /** Forgets everything, for example after a CustomResourceDefinition was replaced. */
  invalidate(): void {
    this.#known.clear();
    this.#fetching.clear();
  }

  /** One fetch at a time of each apiVersion, shared by all that wait for it. */
  #refresh(apiVersion: string): Promise<Known> {
    const running = this.#fetching.get(apiVersion);
    if (running) return running;
    const fetching = discoverVersion(this.#fetch, apiVersion)
      .then((kinds) => {
        const known = { kinds: kinds ?? new Map<string, ResourceDefinition>(), fetchedAt: this.#now() };
        // After invalidate() this answer is old news and must not be remembered.
        if (this.#fetching.get(apiVersion) === fetching) this.#known.set(apiVersion, known);
        return known;
      })
      .finally(() => {
        if (this.#fetching.get(apiVersion) === fetching) this.#fetching.delete(apiVersion);
      });
    this.#fetching.set(apiVersion, fetching);
    return fetching;
  }
}
