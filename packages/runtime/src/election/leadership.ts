// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Clock } from '../util/clock.ts';
import { guardedSignal } from '../util/guardedSignal.ts';
import { sleep } from '../util/sleep.ts';

/** One time of leading: from a lease won until it is given up or lost. */
export class Leadership {
  readonly uid: string;
  /** Aborted when leading ends for any reason; reading it checks the clock. */
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #renewing = new AbortController();
  readonly #clock: Clock;
  readonly #renewDeadlineMs: number;
  #renewedMs: number;
  #lost = false;
  #cancelDeadline: () => void;

  constructor(options: { uid: string; renewedMs: number; renewDeadlineMs: number; clock: Clock }) {
    this.uid = options.uid;
    this.#clock = options.clock;
    this.#renewDeadlineMs = options.renewDeadlineMs;
    this.#renewedMs = options.renewedMs;
    this.signal = guardedSignal([this.#abort.signal], () => this.#overdue());
    this.#cancelDeadline = this.#armDeadline();
  }

  /** Whether `run` has been told to end. */
  get ended(): boolean {
    return this.signal.aborted;
  }

  /** Whether somebody else may hold the lease. */
  get lost(): boolean {
    return this.#lost;
  }

  get reason(): unknown {
    return this.signal.reason as unknown;
  }

  /** For the requests that renew: they go on after `signal` is aborted, while the work winds down. */
  get renewing(): AbortSignal {
    return this.#renewing.signal;
  }

  /** @param askedMs - when the request that renewed was sent */
  renewed(askedMs: number): void {
    // An answer that comes after the deadline does not bring back what has been aborted.
    if (this.#lost || this.#overdue()) return;
    this.#renewedMs = askedMs;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#armDeadline();
  }

  /** Ends the leading with the lease still held. */
  end(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** Ends the leading as the lease is no longer ours. */
  lose(reason: Error): void {
    this.#lost = true;
    this.finish();
    this.#abort.abort(reason);
  }

  /** Ends the renewal. */
  finish(): void {
    this.#cancelDeadline();
    this.#renewing.abort(new Error('the leadership is over'));
  }

  /** Waits; false when there is nothing left to renew. */
  async pause(ms: number): Promise<boolean> {
    await sleep(ms, this.renewing, this.#clock).catch(() => undefined);
    // Asked here too: after a pause of the process the renewal must not take a lease that meanwhile had another holder for its own.
    this.#overdue();
    return !this.renewing.aborted;
  }

  #armDeadline(): () => void {
    const remaining = this.#renewedMs + this.#renewDeadlineMs - this.#clock.monotonic();
    return this.#clock.setTimer(
      () => {
        if (!this.#overdue()) this.#cancelDeadline = this.#armDeadline();
      },
      Math.ceil(Math.max(0, remaining)),
    );
  }

  #overdue(): Error | undefined {
    const elapsedMs = this.#clock.monotonic() - this.#renewedMs;
    if (elapsedMs < this.#renewDeadlineMs) return undefined;
    const error = new Error(`the lease was not renewed within ${this.#renewDeadlineMs} ms`);
    if (!this.#lost) this.lose(error);
    return error;
  }
}
