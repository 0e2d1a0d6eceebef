// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Logger } from '../logging/logger.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { queueMetrics, type QueueMetrics } from '../metrics/queueMetrics.ts';
import { backoffDelay } from '../util/backoff.ts';
import { systemClock, type Clock } from '../util/clock.ts';
import { toError } from '../util/errors.ts';
import { guardedSignal } from '../util/guardedSignal.ts';
import { Schedule, type Taken } from './schedule.ts';
import { TerminalError } from './terminalError.ts';

/** What a reconcile is given besides its key. */
export interface ReconcileContext {
  /** Aborted when the queue closes or its leadership ends. */
  signal: AbortSignal;
  /** Carries the queue, the key and the attempt. */
  logger: Logger;
  /** 0 for the first try after a success, then counting failures. */
  attempt: number;
}

/** Works one key, level-based: looks at the state as it is, whatever happened. Throwing retries it. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<{ requeueAfterMs?: number } | void>;

/** Options of {@link WorkQueue}. */
export interface WorkQueueOptions {
  /** Shows in logs and metrics. */
  name: string;
  /** Keys worked at the same time; default 1. */
  workers?: number;
  reconcile: Reconcile;
  logger: Logger;
  metrics?: Metrics;
  /** Bounds of the delays after errors, with full jitter; default 200 ms to 60 s. */
  backoff?: { initialMs?: number; maxMs?: number };
  /** Coalescing: a key is worked once it has not been added for this long; default 0. */
  quietMs?: number;
  /** Coalescing never puts a key off for longer; default ten times `quietMs`. */
  maxQuietMs?: number;
  /** The leadership (or life) under which the keys are worked: nothing is started once it is aborted. */
  signal?: AbortSignal;
  clock?: Clock;
  random?: () => number;
}

/**
 * Keys to be worked, each by one worker at a time.
 *
 * @remarks
 * - A key added while it runs runs again afterwards; a key added many times before it runs runs once.
 * - Every error is retried with exponential back-off and full jitter, NotFound included; a success resets the back-off.
 *   Only a {@link TerminalError} waits for the next add. A `Retry-After` of the API server is kept.
 * - A key due for several reasons runs at the earliest of them: an add does not wait for a back-off.
 * - Higher priorities go first; equal ones in the order they became due. A key keeps its priority when it is retried or comes back by itself.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #running = new Map<string, number>();
  readonly #attempts = new Map<string, number>();
  readonly #metrics: QueueMetrics;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  #idleWaiters: (() => void)[] = [];
  #drainWaiters: (() => void)[] = [];
  #cancelTimer: (() => void) | undefined;
  #pumpPlanned = false;
  #started = false;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const quietMs = options.quietMs ?? 0;
    this.#schedule = new Schedule({ quietMs, maxQuietMs: options.maxQuietMs ?? quietMs * 10 });
    this.#signal = guardedSignal([this.#abort.signal, options.signal]);
    this.#signal.addEventListener('abort', () => this.#planPump(), { once: true });
    this.#metrics = queueMetrics(options.metrics, options.name, {
      depth: () => this.depth,
      runningSeconds: () => [...this.#running.values()].map((start) => (this.#clock.monotonic() - start) / 1000),
    });
  }

  /**
   * Asks for the key to be worked.
   *
   * @param options - `priority`: higher goes first, default 0; `immediate`: does not wait for quiet
   */
  add(key: string, options: { priority?: number; immediate?: boolean } = {}): void {
    if (this.#closed) return;
    this.#metrics.added();
    this.#schedule.add(key, this.#clock.monotonic(), options);
    this.#planPump();
  }

  /**
   * Asks for the key to be worked `ms` from now, unless it is due earlier anyway.
   *
   * @param options - `priority`: as of {@link add}; that of the key as it waits if left out
   * @throws RangeError when `ms` is NaN.
   */
  addAfter(key: string, ms: number, options: { priority?: number } = {}): void {
    if (this.#closed) return;
    this.#addLater(key, ms, options.priority);
    this.#planPump();
  }

  /** Starts working; keys may be added before. */
  start(): void {
    if (this.#closed || this.#started) return;
    this.#started = true;
    this.#planPump();
  }

  /** Keys that wait for a worker or for quiet; neither the running ones nor those in back-off or added for later. */
  get depth(): number {
    return this.#schedule.depth(this.#clock.monotonic());
  }

  /**
   * Resolves when no key runs, waits or is in back-off; keys added for later do not count, and once the queue is closed or its
   * leadership over, those that wait do not either.
   */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#planPump();
    });
  }

  /** Takes no more keys, drops the waiting ones, aborts the running ones and waits for them. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#schedule.clear();
    this.#abort.abort(new Error(`work queue ${this.#options.name} is closing`));
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#drainWaiters.push(resolve));
    this.#metrics.close();
    this.#wake();
  }

  // Workers start in a turn of their own: adds of one burst meet in the schedule, and no reconcile runs inside an event handler.
  #planPump(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    setImmediate(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#signal.aborted) return this.#stopped();
    if (this.#started) {
      let now = this.#clock.monotonic();
      while (this.#running.size < (this.#options.workers ?? 1)) {
        // Looked at before each start: after a pause of the process this is where a lost leadership shows first.
        if (this.#signal.aborted) return this.#stopped();
        now = this.#clock.monotonic();
        const taken = this.#schedule.take(now, (key) => !this.#running.has(key));
        if (!taken) break;
        void this.#work(taken);
      }
      this.#armTimer(now);
    }
    this.#wake();
  }

  #stopped(): void {
    this.#cancelTimer?.();
    this.#wake();
  }

  #addLater(key: string, ms: number, priority?: number): void {
    // A date that could not be parsed, mostly. In the schedule it would be neither before nor after anything else and stop other keys too.
    if (Number.isNaN(ms)) throw new RangeError(`key ${key}: the delay has to be a number of milliseconds, not NaN`);
    this.#schedule.addAt(key, this.#clock.monotonic() + ms, priority);
  }

  /** `now` is the time of the last look for due keys: one that became due since must still get its timer. */
  #armTimer(now: number): void {
    this.#cancelTimer?.();
    const delay = this.#schedule.nextDelay(now);
    // Rounded up: timers may fire a fraction of a millisecond early and would only be armed again.
    this.#cancelTimer = delay === undefined ? undefined : this.#clock.setTimer(() => this.#pump(), Math.ceil(delay));
  }

  async #work({ key, readyAt, priority }: Taken): Promise<void> {
    const start = this.#clock.monotonic();
    const attempt = this.#attempts.get(key) ?? 0;
    const logger = this.#options.logger.child({ queue: this.#options.name, key, ...(attempt > 0 && { attempt }) });
    this.#running.set(key, start);
    this.#metrics.waited(start - readyAt);
    try {
      const result = await this.#options.reconcile(key, { signal: this.#signal, logger, attempt });
      this.#attempts.delete(key);
      const requeueAfterMs = result?.requeueAfterMs;
      if (requeueAfterMs !== undefined) this.#addLater(key, requeueAfterMs, priority);
      this.#metrics.worked(this.#clock.monotonic() - start, requeueAfterMs === undefined ? 'success' : 'requeue');
    } catch (error) {
      this.#failed(key, { attempt, priority, error: toError(error), logger, durationMs: this.#clock.monotonic() - start });
    } finally {
      this.#running.delete(key);
      if (this.#running.size === 0) for (const resolve of this.#drainWaiters.splice(0)) resolve();
      this.#planPump();
    }
  }

  #failed(key: string, failure: { attempt: number; priority: number; error: Error; logger: Logger; durationMs: number }): void {
    const { attempt, priority, error, logger, durationMs } = failure;
    if (this.#signal.aborted) {
      logger.debug('reconcile ended by the closing of its queue', { error });
      return;
    }
    if (error instanceof TerminalError) {
      this.#attempts.delete(key);
      this.#metrics.worked(durationMs, 'terminal');
      logger.error('reconcile failed for good', { error });
      return;
    }
    const { initialMs = 200, maxMs = 60_000 } = this.#options.backoff ?? {};
    const backoffMs = backoffDelay(attempt, { initialMs, maxMs }, this.#options.random);
    const delayMs = Math.max(backoffMs, retryAfterMs(error));
    this.#attempts.set(key, attempt + 1);
    this.#schedule.retryAt(key, this.#clock.monotonic() + delayMs, priority);
    this.#metrics.worked(durationMs, 'error');
    this.#metrics.retried();
    logger.warn('reconcile failed', { error, retryInMs: Math.round(delayMs) });
  }

  #wake(): void {
    if (this.#idleWaiters.length === 0 || this.#running.size > 0) return;
    if (!this.#signal.aborted && this.#schedule.pending > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}

/** What the API server asked for with `Retry-After`, bounded so that a nonsensical answer cannot park a key. */
function retryAfterMs(error: Error): number {
  const seconds = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  return typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, 300) * 1000 : 0;
}
