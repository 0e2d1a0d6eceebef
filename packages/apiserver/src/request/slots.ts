// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from './statusError.ts';

/** Options of {@link Slots}. */
export interface SlotsOptions {
  /** Requests at once. */
  max: number;
  /** Requests of one user at once. */
  maxPerUser: number;
  /** How the requests are called in messages, e.g. `requests`. */
  what: string;
}

/** A slot taken, given to a user once it is known. */
export interface Slot {
  /** @throws StatusError 429 when the user has its share already; the slot is free again then */
  assign(user: string): void;
  /** Gives it back; more than once does no harm. */
  release(): void;
}

/** Of these the last are kept for users who hold less than their share. */
const contendedShare = 0.75;
const retryAfterSeconds = 1;

/**
 * Requests under way at one time, bounded together and by user.
 *
 * @remarks
 * Once three quarters are taken, a user gets no more than an equal share among those who hold any: whoever floods is refused, everybody else
 * is served.
 */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #byUser = new Map<string, number>();
  #taken = 0;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** Slots taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** @throws StatusError 429 when all are taken */
  take(): Slot {
    const { max, what } = this.#options;
    if (this.#taken >= max) throw tooMany(`the server has too many ${what} under way; try again`);
    this.#taken += 1;
    let user: string | undefined;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      this.#taken -= 1;
      if (user !== undefined) this.#forget(user);
    };
    const assign = (name: string): void => {
      const held = this.#byUser.get(name) ?? 0;
      if (held >= this.#limit(held)) {
        release();
        throw tooMany(`this user has too many ${what} under way; try again`);
      }
      user = name;
      this.#byUser.set(name, held + 1);
    };
    return { assign, release };
  }

  #limit(held: number): number {
    const { max, maxPerUser } = this.#options;
    if (this.#taken < max * contendedShare) return maxPerUser;
    const users = this.#byUser.size + (held === 0 ? 1 : 0);
    return Math.min(maxPerUser, Math.max(1, Math.ceil(max / users)));
  }

  #forget(user: string): void {
    const left = (this.#byUser.get(user) ?? 1) - 1;
    if (left > 0) this.#byUser.set(user, left);
    else this.#byUser.delete(user);
  }
}

function tooMany(message: string): StatusError {
  return new StatusError(429, message, { retryAfterSeconds });
}
