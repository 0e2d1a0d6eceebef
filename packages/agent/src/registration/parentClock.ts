// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describeSkew } from './classify.ts';

/**
 * The time at the parent, by the difference to the local clock that was seen last. Lives of tokens and moments of observation are
 * told in it, so that a skewed child neither renews for ever nor never, and does not look dead or from the future.
 */
export class ParentClock {
  readonly #read: () => Promise<Date | undefined>;
  readonly #now: () => Date;
  #offsetMs: number | undefined;

  constructor(read: () => Promise<Date | undefined>, now: () => Date) {
    this.#read = read;
    this.#now = now;
  }

  /** Asks the parent for its time; keeps the earlier difference when there is no answer. */
  async refresh(): Promise<void> {
    const before = this.#now().getTime();
    const parent = await this.#read();
    if (!parent) return;
    const middle = (before + this.#now().getTime()) / 2;
    const offset = parent.getTime() - middle;
    // The header tells whole seconds and travels a while: below a few seconds the difference is noise.
    this.#offsetMs = Math.abs(offset) < 5_000 ? 0 : offset;
  }

  /** Time at the parent as far as known. */
  now(): Date {
    return new Date(this.#now().getTime() + (this.#offsetMs ?? 0));
  }

  /** Time at the parent, or `undefined` when it never answered. */
  known(): Date | undefined {
    return this.#offsetMs === undefined ? undefined : this.now();
  }

  /** Says how far the local clock is off; `undefined` when it agrees well enough or nothing is known. */
  skew(): string | undefined {
    const parent = this.known();
    return parent && describeSkew(this.#now(), parent);
  }
}
