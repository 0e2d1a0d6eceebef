// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isForbidden, isNotFound, isUnauthorized } from '@clusternet/client';
import { backoffDelay, type Logger, sleep } from '@clusternet/runtime';

/** Why nothing can be done in the child at the moment. */
export interface Outage {
  /** `Unreachable` or `Unauthorized`. */
  reason: string;
  message: string;
  since: Date;
}

/**
 * Knows whether the child answers. After a suspicious error it asks the child itself; when that fails twice there is an
 * {@link outage}, and the child is asked again, less and less often (up to every 30 s), until it answers.
 */
export class Reachability {
  readonly #probe: (signal: AbortSignal) => Promise<unknown>;
  readonly #onChange: () => void;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  #confirming: Promise<boolean> | undefined;
  #watching: Promise<void> | undefined;
  #outage: Outage | undefined;

  /** `probe` rejects when the child does not answer; `onChange` is called when an outage begins or ends, and when a suspicion proved false. */
  constructor(o: {
    probe: (signal: AbortSignal) => Promise<unknown>;
    onChange: () => void;
    logger: Logger;
    now?: () => number;
    random?: () => number;
  }) {
    this.#probe = o.probe;
    this.#onChange = o.onChange;
    this.#logger = o.logger;
    this.#now = o.now ?? Date.now;
    this.#random = o.random ?? Math.random;
  }

  /** What is wrong since when; undefined while the child answers. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** No request makes sense at the moment: the child is, or may be, out of reach. */
  get blocked(): boolean {
    return this.#watching !== undefined;
  }

  /** Asks the child whether it answers; false starts the watch that ends with `onChange`. Calls at the same time share one question. */
  confirm(): Promise<boolean> {
    if (this.blocked) return Promise.resolve(false);
    this.#confirming ??= this.#ask()
      .then((problem) => {
        if (problem === undefined) return true;
        if (!this.#stop.signal.aborted) this.#watching ??= this.#watch(problem);
        return false;
      })
      .finally(() => {
        this.#confirming = undefined;
      });
    return this.#confirming;
  }

  /** Stops asking. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#confirming;
    await this.#watching;
  }

  async #watch(first: Omit<Outage, 'since'>): Promise<void> {
    const since = new Date(this.#now());
    let problem: Omit<Outage, 'since'> | undefined = first;
    for (let failures = 1; problem !== undefined; failures++) {
      if (failures === 2) {
        this.#outage = { ...problem, since };
        this.#logger.warn('child cluster does not answer', { reason: problem.reason, error: problem.message });
        this.#onChange();
      }
      try {
        await sleep(backoffDelay(failures - 1, { initialMs: 500, maxMs: 30_000, jitter: 0.4 }, this.#random), this.#stop.signal);
      } catch {
        return;
      }
      problem = await this.#ask();
      if (this.#stop.signal.aborted) return;
    }
    this.#watching = undefined;
    if (this.#outage !== undefined) this.#logger.info('child cluster answers again', { downMs: this.#now() - since.getTime() });
    this.#outage = undefined;
    this.#onChange();
  }

  async #ask(): Promise<Omit<Outage, 'since'> | undefined> {
    try {
      await this.#probe(this.#stop.signal);
      return undefined;
    } catch (error) {
      if (isForbidden(error) || isNotFound(error)) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      return isUnauthorized(error)
        ? { reason: 'Unauthorized', message: `the cluster refuses the credentials of the deployer: ${message}` }
        : { reason: 'Unreachable', message: `the cluster does not answer: ${message}` };
    }
  }
}
