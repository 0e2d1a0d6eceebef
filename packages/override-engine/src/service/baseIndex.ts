// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Base, feedKey } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';

/** Which Bases have which feed, in memory. Keys of Bases are `namespace/name`. */
export class BaseIndex {
  readonly #byFeed = new Map<string, Map<string, Map<string, Base>>>();
  readonly #bases = new Map<string, Base>();

  /** Takes over a Base as it is now; returns the other Bases of its namespace that share a feed it had or has. */
  set(base: Base): string[] {
    const key = objectKey(base);
    const affected = new Set(this.delete(key));
    this.#bases.set(key, base);
    for (const feed of keysOf(base)) {
      const { namespace = '' } = base.metadata;
      const byNamespace = this.#byFeed.get(feed) ?? new Map<string, Map<string, Base>>();
      const bases = byNamespace.get(namespace) ?? new Map<string, Base>();
      for (const other of bases.keys()) affected.add(other);
      this.#byFeed.set(feed, byNamespace.set(namespace, bases.set(key, base)));
    }
    affected.delete(key);
    return [...affected];
  }

  /** Drops a Base; returns the other Bases of its namespace that share a feed with it. */
  delete(key: string): string[] {
    const base = this.#bases.get(key);
    if (!base) return [];
    this.#bases.delete(key);
    const affected = new Set<string>();
    const { namespace = '' } = base.metadata;
    for (const feed of keysOf(base)) {
      const byNamespace = this.#byFeed.get(feed);
      const bases = byNamespace?.get(namespace);
      bases?.delete(key);
      for (const other of bases?.keys() ?? []) affected.add(other);
      if (bases?.size === 0) byNamespace?.delete(namespace);
      if (byNamespace?.size === 0) this.#byFeed.delete(feed);
    }
    return [...affected];
  }

  /** Keys of all Bases. */
  keys(): string[] {
    return [...this.#bases.keys()];
  }

  /** Keys of all Bases with this feed. */
  withFeed(key: string): string[] {
    return [...(this.#byFeed.get(key)?.values() ?? [])].flatMap((bases) => [...bases.keys()]);
  }

  /**
   * Name of the Base that owns the object of a feed in a namespace: the oldest one that has it and is not being deleted.
   * The creation time is compared as a whole, then the name.
   */
  ownerOf(key: string, namespace: string): string | undefined {
    const bases = [...(this.#byFeed.get(key)?.get(namespace)?.values() ?? [])];
    const alive = bases.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return alive.sort(byAge)[0]?.metadata.name;
  }
}

function keysOf(base: Base): string[] {
  return (base.spec.feeds ?? []).map(feedKey);
}

function byAge(a: Base, b: Base): number {
  const [x, y] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`);
  return (x ?? '') < (y ?? '') ? -1 : 1;
}
