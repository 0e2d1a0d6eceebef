// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Limits the rate of requests: `burst` at once, then `qps` per second, first come first served. */
export class TokenBucket {
  readonly #qps: number;
  readonly #burst: number;
  readonly #now: () => number;
  #tokens: number;
  #last: number;

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(o: { qps: number; burst?: number; now?: () => number }) {
    if (!(o.qps > 0)) throw new RangeError(`qps must be greater than 0, not ${o.qps}; leave it out for no limit`);
    this.#qps = o.qps;
    this.#burst = Math.max(1, o.burst ?? Math.ceil(o.qps));
    this.#now = o.now ?? (() => performance.now());
    this.#tokens = this.#burst;
    this.#last = this.#now();
  }

  /**
   * Takes one token and returns the milliseconds to wait before using it, 0 for at once.
   * Tokens may be taken ahead, which is what keeps the order.
   */
  reserve(): number {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#last) * this.#qps) / 1000);
    this.#last = now;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / this.#qps;
  }

  /** Gives back a token whose user went away while waiting. */
  cancel(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }
}
