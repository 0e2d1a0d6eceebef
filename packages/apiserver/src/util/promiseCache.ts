// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
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

/** Answers of another server, asked for once by many at a time. Failures are not kept, and neither are the keys: only their hashes. */
export class PromiseCache<V> {
  readonly #options: PromiseCacheOptions<V>;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #salt = createSecretKey(randomBytes(32));

  constructor(options: PromiseCacheOptions<V>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get size(): number {
    return this.#entries.size;
  }

  async get(key: string, load: () => Promise<V>): Promise<V> {
    const id = createHmac('sha256', this.#salt).update(key).digest('base64');
    const known = this.#entries.get(id);
    if (known && known.untilMs > this.#clock.monotonic()) return known.value;
    const entry: Entry<V> = { value: load(), untilMs: Infinity };
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#shrink();
    try {
      const value = await entry.value;
      entry.untilMs = this.#clock.monotonic() + this.#options.ttlMs(value);
      return value;
    } catch (error) {
      if (this.#entries.get(id) === entry) this.#entries.delete(id);
      throw error;
    }
  }

  #shrink(): void {
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.max) return;
      this.#entries.delete(id);
    }
  }
}
