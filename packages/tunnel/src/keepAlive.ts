// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Settings } from './options.ts';

/** One connection that is looked after. */
export interface KeepAliveMember {
  /** Time went on. */
  tick(): void;
}

/**
 * One timer for all connections of a process end. Silence is counted in ticks, not in time: a process that was stalled for
 * some seconds sees one tick, and then reads what came meanwhile, so nobody is declared dead for the listener's own sleep.
 */
export class KeepAlive {
  /** Silent ticks after which to ask. */
  readonly pingTicks: number;
  /** Silent ticks after which the other end is dead. */
  readonly deadTicks: number;
  readonly #tickMs: number;
  readonly #settings: Settings;
  readonly #members = new Set<KeepAliveMember>();
  #stop: (() => void) | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#tickMs = Math.max(1, Math.min(1000, Math.floor(settings.keepAliveMs / 2)));
    this.pingTicks = Math.max(1, Math.floor(settings.keepAliveMs / this.#tickMs));
    this.deadTicks = Math.max(this.pingTicks + 1, Math.floor(settings.deadAfterMs / this.#tickMs));
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: KeepAliveMember): void {
    this.#members.add(member);
    if (!this.#stop) this.#arm();
  }

  delete(member: KeepAliveMember): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #arm(): void {
    this.#stop = this.#settings.clock.setTimer(() => {
      this.#stop = undefined;
      for (const member of this.#members) member.tick();
      if (this.#members.size > 0 && !this.#stop) this.#arm();
    }, this.#tickMs);
  }
}
