// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Time as the rest of this package sees it, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never jumps when the wall clock is set. */
  monotonic(): number;
  /** The wall clock, for timestamps that others read. */
  now(): Date;
  /** Calls `fn` once after `ms`; the returned function cancels. A pending timer keeps the process alive. */
  setTimer(fn: () => void, ms: number): () => void;
}

// setTimeout takes 32 bits; anything longer would fire at once.
const longestTimer = 2 ** 31 - 1;

/** The real clock. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  now: () => new Date(),
  setTimer: (fn, ms) => {
    const timer = setTimeout(fn, Math.min(Math.max(ms, 0), longestTimer));
    return () => clearTimeout(timer);
  },
};
