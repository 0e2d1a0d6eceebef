// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** How long retries wait. */
export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds. */
  initialMs: number;
  /** Upper bound of every delay, in milliseconds. */
  maxMs: number;
  /**
   * Share of the delay that is random, 0..1. 1 (full jitter, the default) spreads retries of many clients best;
   * less keeps a minimum distance between tries.
   */
  jitter?: number;
}

/**
 * The delay before try number `attempt + 1`, doubling with each attempt (0 = after the first failure).
 *
 * @param random - in [0, 1), injected so that tests are exact
 */
export function backoffDelay(attempt: number, options: BackoffOptions, random: () => number = Math.random): number {
  const jitter = options.jitter ?? 1;
  // The exponent is capped because 2 ** 1024 is Infinity and Infinity * 0 is NaN.
  const ceiling = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(Math.max(attempt, 0), 40));
  // Taken off the ceiling, so that rounding never ends above it.
  return Math.max(0, ceiling - ceiling * jitter * (1 - random()));
}
