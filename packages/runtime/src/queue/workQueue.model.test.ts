// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../logging/logger.ts';
import { FakeClock, settle } from '../testing/fakeClock.ts';
import { guardedSignal } from '../util/guardedSignal.ts';
import { TerminalError } from './terminalError.ts';
import { WorkQueue } from './workQueue.ts';

/** A small seeded generator (mulberry32): the same seed gives the same run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Time that passes a little with every reading, as real time does, so that no two looks of the queue see the same moment. */
class CreepingClock extends FakeClock {
  readonly #random: () => number;

  constructor(random: () => number) {
    super();
    this.#random = random;
  }

  override monotonic(): number {
    if (this.#random() < 0.3) this.jump(this.#random() * 0.7);
    return super.monotonic();
  }

  /** Reads without moving. */
  peek(): number {
    return super.monotonic();
  }
}

const maxBackoffMs = 50;
/** Lateness that is no fault: timers are whole milliseconds, and the clock creeps. */
const slackMs = 25;
let operations = 0;

/** One life of a queue under random operations; what it did wrong. */
class Run {
  readonly #random: () => number;
  readonly #clock: CreepingClock;
  readonly #queue: WorkQueue;
  readonly #workers: number;
  readonly #quietMs: number;
  readonly #maxQuietMs: number;
  /** Latest moment at which a key has to be taken, were a worker free. */
  readonly #due = new Map<string, number>();
  readonly #running = new Set<string>();
  readonly #faults: string[] = [];
  #overdue = false;
  #calm = false;
  #started = false;

  constructor(seed: number) {
    this.#random = generator(seed);
    this.#clock = new CreepingClock(this.#random);
    this.#workers = 1 + this.#below(3);
    this.#quietMs = this.#pick([0, 0, 10]);
    this.#maxQuietMs = this.#pick([this.#quietMs, 40]);
    this.#queue = new WorkQueue({
      name: 'model',
      workers: this.#workers,
      quietMs: this.#quietMs,
      maxQuietMs: this.#maxQuietMs,
      backoff: { initialMs: 5, maxMs: maxBackoffMs },
      logger: silentLogger,
      clock: this.#clock,
      random: this.#random,
      signal: guardedSignal([], () => (this.#overdue ? new Error('overdue') : undefined)),
      reconcile: (key) => this.#reconcile(key),
    });
  }

  async play(): Promise<string[]> {
    if (this.#random() < 0.7) this.#start();
    for (let left = this.#below(30); left > 0; left--) {
      this.#operate();
      if (this.#random() < 0.4) continue;
      await this.#clock.advance(this.#pick([0, 0.5, 1, 3, 10, 60]));
      await this.#checkLateness();
    }
    this.#start();
    this.#calm = true;
    await (this.#random() < 0.3 ? this.#end() : this.#drain());
    return this.#faults;
  }

  #operate(): void {
    operations++;
    const key = this.#pick(['a', 'b', 'c', 'd']);
    const now = this.#clock.peek();
    const what = this.#random();
    if (what < 0.45) {
      this.#queue.add(key, { priority: this.#below(3) });
      this.#wants(key, now + this.#maxQuietMs);
    } else if (what < 0.6) {
      this.#queue.add(key, { immediate: true });
      this.#wants(key, now);
    } else if (what < 0.9) {
      const ms = this.#pick([0, 0.2, 1, 7, 30, 200]);
      this.#queue.addAfter(key, ms);
      this.#wants(key, now + ms);
    } else if (what < 0.95) this.#start();
    else this.#clock.jump(this.#below(100));
  }

  async #reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    if (!this.#started || this.#overdue) this.#faults.push(`${key} was worked before the start or after the end`);
    if (this.#running.has(key)) this.#faults.push(`${key} was worked twice at once`);
    if (this.#running.size >= this.#workers) this.#faults.push('more workers than allowed');
    this.#running.add(key);
    this.#due.delete(key);
    const takesMs = this.#pick([0, 0, 1, 15]);
    if (takesMs > 0) await new Promise<void>((resolve) => this.#clock.setTimer(resolve, takesMs));
    if (this.#random() < 0.1) {
      // A change that the reconcile itself brings about.
      this.#queue.add(key);
      this.#wants(key, this.#clock.peek() + this.#maxQuietMs);
    }
    this.#running.delete(key);
    const now = this.#clock.peek();
    const outcome = this.#calm ? 1 : this.#random();
    if (outcome < 0.2) {
      this.#wants(key, now + maxBackoffMs);
      throw new Error('again');
    }
    if (outcome < 0.25) throw new TerminalError('never');
    if (outcome > 0.4) return;
    const requeueAfterMs = this.#pick([0, 0.4, 20]);
    this.#wants(key, now + requeueAfterMs);
    return { requeueAfterMs };
  }

  /** Nothing happens any more but what the queue does by itself: everything asked for has to come. */
  async #drain(): Promise<void> {
    let idle = false;
    void this.#queue.whenIdle().then(() => (idle = true));
    await this.#clock.advance(1_000);
    if (this.#due.size > 0) this.#faults.push(`never worked again: ${[...this.#due.keys()].join(', ')}`);
    if (!idle) this.#faults.push('whenIdle did not resolve');
    if (this.#clock.pending > 0) this.#faults.push('a timer is left for nothing');
    await this.#queue.close();
  }

  /** The leadership ends or the queue closes in the middle. */
  async #end(): Promise<void> {
    let idle = false;
    let closed = false;
    void this.#queue.whenIdle().then(() => {
      idle = true;
      if (this.#running.size > 0) this.#faults.push('whenIdle resolved while a key was worked');
    });
    const loses = this.#random() < 0.5;
    this.#overdue = true;
    if (!loses) void this.#queue.close().then(() => (closed = true));
    await this.#clock.advance(1_000);
    if (!idle) this.#faults.push('whenIdle did not resolve at the end');
    if (!loses && !closed) this.#faults.push('close did not resolve');
    if (this.#running.size > 0) this.#faults.push('a reconcile is left');
    await this.#queue.close();
    await settle();
  }

  #start(): void {
    this.#queue.start();
    if (!this.#started) for (const [key, due] of this.#due) this.#due.set(key, Math.max(due, this.#clock.peek()));
    this.#started = true;
  }

  #wants(key: string, due: number): void {
    this.#due.set(key, Math.min(this.#due.get(key) ?? Infinity, due));
  }

  /** Once all timers had their turn no due key may wait beside a free worker. */
  async #checkLateness(): Promise<void> {
    await this.#clock.advance(0);
    if (!this.#started || this.#running.size >= this.#workers) return;
    for (const [key, due] of this.#due) {
      if (!this.#running.has(key) && due + slackMs < this.#clock.peek()) this.#faults.push(`${key} is late`);
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T;
  }
}

describe('WorkQueue against a model', () => {
  it('works every key after each reason to, one worker at a time, and comes to rest', async () => {
    const faults: Record<string, string[]> = {};
    const runs = 400;
    for (let seed = 1; seed <= runs; seed++) {
      const found = await new Run(seed).play();
      if (found.length > 0) faults[`seed ${seed}`] = found;
    }
    expect(faults).toEqual({});
    expect(operations).toBeGreaterThan(runs * 10);
  });
});
