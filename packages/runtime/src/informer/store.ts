// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { type Change } from './change.ts';

/** Gives the values under which an object is found in an index. */
export type Indexer<T> = (object: T) => string[];

/** Objects by key, with indexes that follow each change. Pure: turns what is seen into the differences to tell. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: Map<string, Index<T>>;

  /** @param onIndexError - told when an indexer throws; the object is then in no place of that index */
  constructor(
    indexers: Record<string, Indexer<T>> = {},
    onIndexError: (index: string, error: unknown) => void = () => undefined,
  ) {
    this.#indexes = new Map(
      Object.entries(indexers).map(([name, indexer]) => [name, new Index(indexer, (error) => onIndexError(name, error))]),
    );
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  /** @throws RangeError for an index that was not declared */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new RangeError(`no index "${name}"; declared: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    const found: T[] = [];
    for (const key of index.keys(value)) {
      const object = this.#objects.get(key);
      if (object) found.push(object);
    }
    return found;
  }

  /** Takes one state in. An object that was deleted and made again in between shows as `deleted` and `added`. */
  set(object: T): Change<T>[] {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.set(key, object);
    if (!previous) return [{ type: 'added', key, object }];
    if (previous.metadata.uid !== object.metadata.uid) {
      return [
        { type: 'deleted', key, object: previous },
        { type: 'added', key, object },
      ];
    }
    if (sameVersion(previous, object)) return [];
    return [{ type: 'modified', key, object, previous }];
  }

  /**
   * Takes a deletion in.
   *
   * @param last - the state the server deleted, newer than what is known
   */
  delete(key: string, last?: T): Change<T>[] {
    const previous = this.#objects.get(key);
    if (!previous) return [];
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.delete(key);
    return [{ type: 'deleted', key, object: last?.metadata.uid === previous.metadata.uid ? (last ?? previous) : previous }];
  }

  /** Takes a whole list in: the exact difference to what was known, deletions first. */
  replace(objects: readonly T[]): Change<T>[] {
    const present = new Set(objects.map((object) => objectKey(object)));
    const changes: Change<T>[] = [];
    for (const key of this.keys()) if (!present.has(key)) changes.push(...this.delete(key));
    for (const object of objects) changes.push(...this.set(object));
    return changes;
  }
}

function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion !== undefined && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

class Index<T> {
  readonly #indexer: Indexer<T>;
  readonly #onError: (error: unknown) => void;
  readonly #keysByValue = new Map<string, Set<string>>();
  // Kept, so that leaving an index does not depend on the old object being untouched.
  readonly #valuesByKey = new Map<string, string[]>();

  constructor(indexer: Indexer<T>, onError: (error: unknown) => void) {
    this.#indexer = indexer;
    this.#onError = onError;
  }

  keys(value: string): Iterable<string> {
    return this.#keysByValue.get(value) ?? [];
  }

  set(key: string, object: T): void {
    const values = this.#valuesOf(object);
    const before = this.#valuesByKey.get(key);
    if (before && before.length === values.length && before.every((value, position) => value === values[position])) return;
    this.delete(key);
    if (values.length === 0) return;
    this.#valuesByKey.set(key, values);
    for (const value of values) {
      const keys = this.#keysByValue.get(value);
      if (keys) keys.add(key);
      else this.#keysByValue.set(value, new Set([key]));
    }
  }

  delete(key: string): void {
    for (const value of this.#valuesByKey.get(key) ?? []) {
      const keys = this.#keysByValue.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByValue.delete(value);
    }
    this.#valuesByKey.delete(key);
  }

  #valuesOf(object: T): string[] {
    try {
      return this.#indexer(object);
    } catch (error) {
      this.#onError(error);
      return [];
    }
  }
}
