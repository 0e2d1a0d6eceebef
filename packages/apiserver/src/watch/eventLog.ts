// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** One change of one object of a collection. */
export interface LogEntry<T> {
  /** Counts the entries of a log. */
  sequence: number;
  version: number;
  collection: string;
  /** The state before; undefined when the object is new. */
  previous: T | undefined;
  /** The state after; undefined when the object is gone. */
  object: T | undefined;
}

/** A place in an {@link EventLog}: everything before it has been told. */
export interface LogPosition {
  epoch: number;
  sequence: number;
}

/**
 * The last changes of several collections that share their resourceVersions.
 *
 * @remarks
 * Memory does not grow with the number of readers: each of them keeps a position only. What is too old is dropped, and whoever had not read
 * it yet is told so.
 */
export class EventLog<T> {
  readonly #capacity: number;
  readonly #entries: LogEntry<T>[] = [];
  /** Of the last entry of a collection that was dropped. */
  readonly #dropped = new Map<string, { sequence: number; version: number }>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #nextSequence = 0;
  #epoch = 0;
  #oldest = 0;
  #version = 0;

  constructor(o: { capacity: number }) {
    this.#capacity = o.capacity;
  }

  /** Everything up to this resourceVersion is known. */
  get version(): number {
    return this.#version;
  }

  append(change: Omit<LogEntry<T>, 'sequence'>): void {
    this.#version = Math.max(this.#version, change.version);
    this.#entries.push({ ...change, version: this.#version, sequence: this.#nextSequence++ });
    // Shifting one by one would move the whole array each time.
    if (this.#entries.length >= 2 * this.#capacity) {
      for (const { collection, sequence, version } of this.#entries.splice(0, this.#entries.length - this.#capacity)) {
        this.#dropped.set(collection, { sequence, version });
      }
    }
    this.#wake(change.collection);
  }

  /** Nothing happened up to a version. */
  progress(version: number): void {
    this.#version = Math.max(this.#version, version);
    this.#wake('');
  }

  /** Begins anew at a version: what happened before is not known, and readers have to list again. */
  reset(version: number): void {
    this.#entries.length = 0;
    this.#dropped.clear();
    this.#epoch += 1;
    this.#oldest = version;
    this.#version = version;
    for (const collection of [...this.#waiting.keys()]) this.#wake(collection);
  }

  /** The place after everything that is known. */
  end(): LogPosition {
    return { epoch: this.#epoch, sequence: this.#nextSequence };
  }

  /** The place right after a version; undefined when the log of the collection does not reach back so far. */
  after(collection: string, version: number): LogPosition | undefined {
    const dropped = this.#dropped.get(collection)?.version ?? -1;
    if (version < this.#oldest || version < dropped) return undefined;
    const entry = this.#entries[this.#firstAfter(version)];
    return entry ? { epoch: this.#epoch, sequence: entry.sequence } : this.end();
  }

  /** What happened in a collection since a place; undefined when some of it was dropped. */
  read(collection: string, from: LogPosition): { entries: LogEntry<T>[]; next: LogPosition } | undefined {
    if (from.epoch !== this.#epoch) return undefined;
    const dropped = this.#dropped.get(collection);
    if (dropped && dropped.sequence >= from.sequence) return undefined;
    const first = this.#entries[0]?.sequence ?? this.#nextSequence;
    const entries = this.#entries.slice(Math.max(0, from.sequence - first)).filter((entry) => entry.collection === collection);
    return { entries, next: this.end() };
  }

  /** Changes of a collection after a version, the newest first; undefined when some of them were dropped. */
  since(collection: string, version: number): LogEntry<T>[] | undefined {
    const position = this.after(collection, version);
    return position && this.read(collection, position)?.entries.toReversed();
  }

  /** Resolves after the next change of a collection (any progress for the empty name), or when the log begins anew. */
  changed(collection: string): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(collection) ?? new Set();
    this.#waiting.set(collection, waiting.add(resolve));
    return { promise, cancel: () => waiting.delete(resolve) };
  }

  #wake(collection: string): void {
    for (const name of new Set([collection, ''])) {
      const waiting = this.#waiting.get(name);
      this.#waiting.delete(name);
      for (const resolve of waiting ?? []) resolve();
    }
  }

  #firstAfter(version: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
