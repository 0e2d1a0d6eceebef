// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { WorkQueue } from '@clusternet/runtime';
import { type ControllerContext } from '../controller.ts';
import { retryLostRace } from './lostRace.ts';

/** What controllers have in common: a queue of keys, and the subscriptions that fill it. A write that lost a race is tried again. */
export class ControllerQueue {
  readonly #queue: WorkQueue;
  #subscriptions: (() => void)[] = [];

  constructor(
    { logger, metrics, signal }: Pick<ControllerContext, 'logger' | 'metrics' | 'signal'>,
    {
      reconcile,
      ...options
    }: {
      name: string;
      workers?: number;
      quietMs?: number;
      maxQuietMs?: number;
      /** `attempt` counts the failures in a row before this pass. */
      reconcile: (key: string, signal: AbortSignal, attempt: number) => Promise<{ requeueAfterMs?: number } | void>;
    },
  ) {
    this.#queue = new WorkQueue({
      ...options,
      logger,
      metrics,
      signal,
      reconcile: (key, { logger: log, signal: stop, attempt }) => retryLostRace(() => reconcile(key, stop, attempt), log),
    });
  }

  add(...parameters: Parameters<WorkQueue['add']>): void {
    this.#queue.add(...parameters);
  }

  /** Begins to work; the subscriptions end with the queue. */
  start(...subscriptions: (() => void)[]): void {
    this.#subscriptions.push(...subscriptions);
    this.#queue.start();
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    await this.#queue.close();
  }
}
