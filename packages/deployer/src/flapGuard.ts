// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { backoffDelay, type BackoffOptions } from '@clusternet/runtime';

/** What the guard says about one more repair of an object. */
export interface FlapVerdict {
  /** Milliseconds to wait before the repair; 0: now. */
  waitMs: number;
  /** Somebody keeps changing the object back. */
  flapping: boolean;
}

interface Memory {
  /** Repairs in a row, without a quiet time between them. */
  repairs: number;
  lastAt: number;
  dueAt: number;
}

/**
 * Keeps repairs of one object from turning into a fight with a webhook or controller in the child: the first repairs are
 * made at once, further ones wait exponentially longer, and a quiet time makes everything forgotten.
 */
export class FlapGuard {
  readonly #memory = new Map<string, Memory>();
  readonly #free: number;
  readonly #backoff: BackoffOptions;
  readonly #quietMs: number;

  constructor(o: { free?: number; backoff?: BackoffOptions; quietMs?: number } = {}) {
    this.#free = o.free ?? 3;
    this.#backoff = o.backoff ?? { initialMs: 2_000, maxMs: 600_000, jitter: 0.4 };
    this.#quietMs = o.quietMs ?? 900_000;
  }

  /** Asks whether object `key` may be repaired at `now` (milliseconds). Does not count as a repair. */
  check(key: string, now: number): FlapVerdict {
    const memory = this.#recent(key, now);
    if (!memory || memory.repairs < this.#free) return { waitMs: 0, flapping: false };
    return { waitMs: Math.max(0, memory.dueAt - now), flapping: true };
  }

  /** Counts a repair made at `now`; `random` spreads the next one. */
  repaired(key: string, now: number, random: () => number): void {
    const repairs = (this.#recent(key, now)?.repairs ?? 0) + 1;
    const over = repairs - this.#free;
    this.#memory.set(key, { repairs, lastAt: now, dueAt: over < 0 ? now : now + backoffDelay(over, this.#backoff, random) });
  }

  /** Objects that somebody keeps changing back. */
  flapping(now: number): string[] {
    return [...this.#memory.keys()].filter((key) => (this.#recent(key, now)?.repairs ?? 0) >= this.#free);
  }

  /** Milliseconds until the object is taken for quiet, if it needs no repair before; undefined when nothing is remembered. */
  quietIn(key: string, now: number): number | undefined {
    const memory = this.#recent(key, now);
    return memory && Math.max(memory.lastAt, memory.dueAt) + this.#quietMs - now;
  }

  /** Forgets an object that is no longer deployed. */
  forget(key: string): void {
    this.#memory.delete(key);
  }

  #recent(key: string, now: number): Memory | undefined {
    const memory = this.#memory.get(key);
    if (!memory) return undefined;
    if (now - Math.max(memory.lastAt, memory.dueAt) <= this.#quietMs) return memory;
    this.#memory.delete(key);
    return undefined;
  }
}
