// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { type Change, type Indexer } from '@clusternet/runtime';

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Stands in for an informer: holds what a test puts in, and tells of it. */
export class FakeSource<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #indexers: Record<string, Indexer<T>>;

  constructor(indexers: Record<string, Indexer<T>> = {}) {
    this.#indexers = indexers;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): T[] {
    return this.list().filter((object) => this.#indexers[index]?.(object).includes(value));
  }

  onChange(handler: (change: Change<T>) => void): () => void {
    for (const object of this.list()) handler({ type: 'added', key: keyOf(object), object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async waitForSync(): Promise<void> {}

  set(object: T): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const handler of this.#handlers) {
      handler(previous === undefined ? { type: 'added', key, object } : { type: 'modified', key, object, previous });
    }
  }

  delete(key: string): void {
    const object = this.#objects.get(key);
    this.#objects.delete(key);
    if (object !== undefined) for (const handler of this.#handlers) handler({ type: 'deleted', key, object });
  }
}
