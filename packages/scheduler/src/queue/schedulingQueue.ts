// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Logger, type Metrics, type Reconcile, WorkQueue } from '@clusternet/runtime';

/** Options of {@link SchedulingQueue}. */
export interface SchedulingQueueOptions {
  /** Profile that the queue belongs to. */
  schedulerName: string;
  reconcile: Reconcile;
  logger: Logger;
  metrics?: Metrics;
  signal?: AbortSignal;
}

/** How soon room that became free is used: agents report often, and all of them at once. */
const ROOM_DELAY_MS = 1_000;

/**
 * Subscriptions of one profile: the active ones by priority, those in back-off after a failure, and the unschedulable ones, which only
 * an event that concerns them brings back.
 */
export class SchedulingQueue {
  readonly #queue: WorkQueue;
  /** With their priorities. */
  readonly #unschedulable = new Map<string, number>();
  #roomChanges = 0;

  constructor({ schedulerName, reconcile, logger, metrics, signal }: SchedulingQueueOptions) {
    this.#queue = new WorkQueue({
      name: schedulerName === 'default' ? 'subscriptions' : `subscriptions-${schedulerName}`,
      // One decides at a time; the others write, or wait for a permit.
      workers: 64,
      // Clusters register in bunches; each bunch is one decision.
      quietMs: 20,
      maxQuietMs: 200,
      backoff: { initialMs: 1_000, maxMs: 10_000 },
      reconcile,
      logger,
      metrics,
      signal,
    });
  }

  start(): void {
    this.#queue.start();
  }

  /** Something that the Subscription depends on has changed. */
  activate(key: string, priority = 0): void {
    this.#queue.add(key, { priority });
  }

  /** Something that was to be waited for failed: it is looked at again in a moment. */
  later(key: string, priority = 0): void {
    this.#queue.addAfter(key, ROOM_DELAY_MS, { priority });
  }

  /** How often room has changed so far: what a decision has seen of it. */
  get roomChanges(): number {
    return this.#roomChanges;
  }

  /**
   * It cannot be placed for lack of room: {@link roomChanged} brings it back, also if that came after what the decision has seen.
   *
   * @param seen - {@link roomChanges} before the decision looked at the clusters
   */
  park(key: string, { priority = 0, seen }: { priority?: number; seen: number }): void {
    this.#unschedulable.set(key, priority);
    if (seen !== this.#roomChanges) this.#queue.addAfter(key, ROOM_DELAY_MS, { priority });
  }

  /** It is placed, or gone. */
  unpark(key: string): void {
    this.#unschedulable.delete(key);
  }

  /** Somewhere there may be more room: brings back the parked ones for which that counts. */
  roomChanged(concerns: (key: string) => boolean): void {
    this.#roomChanges++;
    for (const [key, priority] of this.#unschedulable) {
      if (concerns(key)) this.#queue.addAfter(key, ROOM_DELAY_MS, { priority });
    }
  }

  /** Subscriptions that wait for room. */
  get parked(): number {
    return this.#unschedulable.size;
  }

  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
