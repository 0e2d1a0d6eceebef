// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Clock, systemClock } from '@clusternet/runtime';

/** Options of {@link PromiseCache}. */
export interface PromiseCacheOptions<V> {
  /** Entries kept at most; the oldest go first. */
  max: number;
  /** Milliseconds an answer is good for. */
  ttlMs: (value: V) => number;
  clock?: Clock;
}

interface Entry<V> {
  value: Promise<V>;
  /** Infinity while the answer is awaited. */
  untilMs: number;
}

/** Answers of another server, asked for once by many at a time. Failures are not kept. */
export class PromiseCache<V> {
  readonly #options: PromiseCacheOptions<V>;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<V>>();

  constructor(options: PromiseCacheOptions<V>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get size(): number {
    return this.#entries.size;
  }

  async get(key: string, load: () => Promise<V>): Promise<V> {
    const known = this.#entries.get(key);
    if (known && known.untilMs > this.#clock.monotonic()) return known.value;
    const entry: Entry<V> = { value: load(), untilMs: Infinity };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#shrink();
    try {
      const value = await entry.value;
      entry.untilMs = this.#clock.monotonic() + this.#options.ttlMs(value);
      return value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  /** Entries stand in the order of their age, so that those that are over are at the front, or will be. */
  #shrink(): void {
    const now = this.#clock.monotonic();
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > now && this.#entries.size <= this.#options.max) return;
      this.#entries.delete(key);
    }
  }
}
