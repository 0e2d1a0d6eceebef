// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Clock } from '../util/clock.ts';

interface Timer {
  due: number;
  order: number;
  fn: () => void;
}

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  #ms = 0;
  #order = 0;
  #timers: Timer[] = [];
  readonly #epoch: number;

  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch;
  }

  monotonic(): number {
    return this.#ms;
  }

  now(): Date {
    return new Date(this.#epoch + this.#ms);
  }

  setTimer(fn: () => void, ms: number): () => void {
    const timer = { due: this.#ms + Math.max(0, ms), order: this.#order++, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers set and not yet run. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets time pass; timers run at their moments, and what they set off gets its turns in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#ms + ms;
    await settle();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#ms = Math.max(this.#ms, timer.due);
      timer.fn();
      await settle();
    }
    this.#ms = Math.max(this.#ms, end);
    await settle();
  }

  /** Time passes while nothing runs, as for a stopped process: no timer comes up. */
  jump(ms: number): void {
    this.#ms += ms;
  }

  #next(end: number): Timer | undefined {
    const [first] = this.#timers.toSorted((a, b) => a.due - b.due || a.order - b.order);
    if (!first || first.due > end) return undefined;
    this.#timers = this.#timers.filter((other) => other !== first);
    return first;
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
