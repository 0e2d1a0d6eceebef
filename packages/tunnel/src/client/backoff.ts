// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** How reconnects are spread. */
export interface BackoffOptions {
  /** The first reconnect comes within this time, any moment alike, so that clients of one lost server do not come at once. Default 3 s. */
  initialMs?: number;
  /** Grows by 30 % with each failure, up to this. Default 30 s. */
  maxMs?: number;
}

/** Slow, so that who tried too early a few times is not late for it; a long outage still reaches the maximum. */
const growth = 1.3;

/** Milliseconds to wait before a reconnect; `failures` in a row came before it, `random` is in [0, 1). */
export function backoffDelay(failures: number, random: number, options: BackoffOptions = {}): number {
  const { initialMs = 3000, maxMs = 30_000 } = options;
  return random * Math.min(maxMs, initialMs * growth ** Math.min(failures, 50));
}
