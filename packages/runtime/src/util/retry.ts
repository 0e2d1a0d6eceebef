// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { backoffDelay } from './backoff.ts';
import { systemClock, type Clock } from './clock.ts';
import { sleep } from './sleep.ts';

/** Options of {@link retry}. */
export interface RetryOptions {
  /** Ends the waiting; its reason is thrown. */
  signal?: AbortSignal;
  /** Tries altogether; unlimited when left out. */
  attempts?: number;
  /** Upper bound of the first delay; default 200 ms. */
  initialMs?: number;
  /** Upper bound of every delay; default 30 s. */
  maxMs?: number;
  /** Random share of each delay, 0..1; default 1. */
  jitter?: number;
  /** False ends the retries at once with that error; default: every error is retried. */
  retryable?: (error: unknown) => boolean;
  /** Told about each failure that is going to be retried. */
  onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  clock?: Clock;
  random?: () => number;
}

/**
 * Calls `fn` until it succeeds.
 *
 * @param fn - receives the number of the try, starting at 0
 * @throws the last error when the attempts are used up, or the signal's reason
 */
export async function retry<T>(fn: (attempt: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { signal, attempts = Infinity, initialMs = 200, maxMs = 30_000, jitter = 1, clock = systemClock } = options;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await fn(attempt);
    } catch (error) {
      const retryable = options.retryable?.(error) ?? true;
      if (signal?.aborted || attempt + 1 >= attempts || !retryable) throw error;
      const delayMs = backoffDelay(attempt, { initialMs, maxMs, jitter }, options.random);
      options.onRetry?.(error, attempt, delayMs);
      await sleep(delayMs, signal, clock);
    }
  }
}
