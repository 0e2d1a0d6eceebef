// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { hostname } from 'node:os';
import { type KubeObject } from '@clusternet/api-types';
import { core, isNotFound, type KubeClient, type ResourceClient } from '@clusternet/client';
import { type Logger } from '../logging/logger.ts';
import { redactText } from '../logging/redact.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { systemClock, type Clock } from '../util/clock.ts';
import { toError } from '../util/errors.ts';
import { EventBook, type EventContent, type EventWrite } from './eventBook.ts';

/** What happened. `reason` is one CamelCase word for programs, `message` a sentence for people. */
export interface NewEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** Options of {@link EventRecorder}. */
export interface EventRecorderOptions {
  /** Client of the cluster in which the objects (and so their events) are. */
  client: KubeClient;
  component: string;
  logger: Logger;
  metrics?: Metrics;
  clock?: Clock;
  random?: () => number;
}

const maxQueued = 1000;
const sweepMs = 60_000;
const writeTimeoutMs = 5_000;

/**
 * Records core/v1 Events without ever getting in the way: nothing blocks, nothing throws, and what the API server does not take is dropped.
 *
 * @remarks The same event (object, reason, message) is written once; repeats only raise its count, with one write per ten minutes. Each
 * object has a budget of 25 events and one more every five minutes, as in client-go.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #events: ResourceClient<KubeObject>;
  readonly #book: EventBook;
  readonly #count: (result: string) => void;
  #queue: EventWrite[] = [];
  #writing: Promise<void> | undefined;
  #cancelSweep: (() => void) | undefined;
  #closed = false;
  #warned = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#events = options.client.resource<KubeObject>(core.events);
    this.#book = new EventBook(options.random ?? Math.random);
    const counter = options.metrics?.counter({
      name: 'clusternet_events_total',
      help: 'Events by what became of them: written, dropped (queue full or over budget) or failed.',
      labelNames: ['result'],
    });
    this.#count = (result) => counter?.inc({ result });
  }

  /** Records an event of the object. Call it on changes only; repeats are aggregated. */
  event(object: KubeObject, event: NewEvent): void {
    if (this.#closed) return;
    try {
      const content = contentOf(object, event);
      const outcome = this.#book.record(content, this.#clock.monotonic());
      if (outcome === 'over budget') this.#count('dropped');
      else if (outcome !== 'counted') this.#enqueue(outcome);
      this.#armSweep();
    } catch (error) {
      this.#options.logger.debug('an event could not be recorded', { reason: event.reason, error: toError(error) });
    }
  }

  /** Writes what is queued and the counts not written yet; never rejects. */
  async flush(): Promise<void> {
    for (const write of this.#book.pendingCounts(this.#clock.monotonic(), 0)) this.#enqueue(write);
    while (this.#writing) await this.#writing;
  }

  /** Takes no more events and writes what is queued. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep?.();
    while (this.#writing) await this.#writing;
  }

  #enqueue(write: EventWrite): void {
    if (this.#queue.length >= maxQueued) return this.#count('dropped');
    this.#queue.push(write);
    this.#writing ??= this.#drain();
  }

  // One write at a time: events must not compete with the work they tell of.
  async #drain(): Promise<void> {
    await Promise.resolve();
    for (let write = this.#queue.shift(); write; write = this.#queue.shift()) await this.#write(write);
    this.#writing = undefined;
  }

  async #write(write: EventWrite): Promise<void> {
    const { content, name, count } = write;
    const { namespace } = content;
    const timestamp = this.#clock
      .now()
      .toISOString()
      .replace(/\.\d{3}Z$/, 'Z');
    const call = { timeoutMs: writeTimeoutMs };
    try {
      if (count > 1) {
        const patch = { count, lastTimestamp: timestamp };
        const found = await this.#patch({ namespace, name }, patch);
        if (!found) await this.#events.create(this.#render(write, timestamp), call);
      } else {
        await this.#events.create(this.#render(write, timestamp), call);
      }
      this.#count('written');
      this.#warned = false;
    } catch (error) {
      this.#count('failed');
      // One warning is enough: a namespace that is going away, or missing rights, refuse every event alike.
      this.#options.logger[this.#warned ? 'debug' : 'warn']('an event was not written', {
        reason: content.reason,
        error: toError(error),
      });
      this.#warned = true;
    }
  }

  async #patch(ref: { namespace: string; name: string }, patch: object): Promise<boolean> {
    try {
      await this.#events.patch(ref, patch, { type: 'merge', timeoutMs: writeTimeoutMs });
      return true;
    } catch (error) {
      // API servers delete events after an hour.
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  #render({ content, name, count }: EventWrite, timestamp: string): KubeObject {
    const { component } = this.#options;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace: content.namespace },
      involvedObject: content.involvedObject,
      type: content.type,
      reason: content.reason,
      message: content.message,
      count,
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      source: { component, host: hostname() },
      reportingComponent: component,
      reportingInstance: hostname(),
    };
  }

  #armSweep(): void {
    this.#cancelSweep ??= this.#clock.setTimer(() => {
      this.#cancelSweep = undefined;
      for (const write of this.#book.sweep(this.#clock.monotonic())) this.#enqueue(write);
      if (this.#book.size > 0 && !this.#closed) this.#armSweep();
    }, sweepMs);
  }
}

const maxMessage = 1024;

function contentOf(object: KubeObject, event: NewEvent): EventContent {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const message = redactText(event.message);
  return {
    ...event,
    message: message.length > maxMessage ? `${message.slice(0, maxMessage - 3)}...` : message,
    // Events of cluster-scoped objects live in `default`, as the API server demands.
    namespace: namespace ?? 'default',
    involvedObject: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion },
  };
}
