// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Time as this package sees it, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never jumps when the wall clock is set. */
  monotonic(): number;
  /** The wall clock, for timestamps that others read. */
  now(): Date;
  /** Calls `fn` once after `ms`; the returned function cancels. */
  setTimer(fn: () => void, ms: number): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  now: () => new Date(),
  setTimer: (fn, ms) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
