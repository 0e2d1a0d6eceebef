// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Metrics } from './metrics.ts';

/** What a work queue reports. */
export interface QueueMetrics {
  added(): void;
  retried(): void;
  /** Time between becoming ready and being worked. */
  waited(ms: number): void;
  worked(ms: number, result: 'success' | 'requeue' | 'error' | 'terminal'): void;
  /** Removes the series of this queue. */
  close(): void;
}

/** What is read from a queue when somebody scrapes. */
export interface QueueState {
  depth(): number;
  /** Seconds each reconcile that runs now has been running. */
  runningSeconds(): number[];
}

const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600];
const none: QueueMetrics = { added: noop, retried: noop, waited: noop, worked: noop, close: noop };

// One gauge serves all queues of a process, so the queues behind it are kept with their registry.
const queuesOf = new WeakMap<Metrics, Map<string, QueueState>>();

/** The metrics of the queue with that name; silent without a registry. */
export function queueMetrics(metrics: Metrics | undefined, name: string, state: QueueState): QueueMetrics {
  if (!metrics) return none;
  const queues = queuesOf.get(metrics) ?? new Map<string, QueueState>();
  queuesOf.set(metrics, queues);
  queues.set(name, state);

  const labelNames = ['name'];
  const each = (value: (queue: QueueState) => number) => (gauge: { set(labels: { name: string }, value: number): void }) => {
    for (const [queue, current] of queues) gauge.set({ name: queue }, value(current));
  };
  const gauges = [
    metrics.gauge({
      name: 'clusternet_workqueue_depth',
      help: 'Keys that wait to be worked.',
      labelNames,
      collect: each((queue) => queue.depth()),
    }),
    metrics.gauge({
      name: 'clusternet_workqueue_unfinished_work_seconds',
      help: 'Sum of the time that the reconciles running now have taken so far.',
      labelNames,
      collect: each((queue) => queue.runningSeconds().reduce((sum, seconds) => sum + seconds, 0)),
    }),
    metrics.gauge({
      name: 'clusternet_workqueue_longest_running_processor_seconds',
      help: 'How long the longest reconcile has been running.',
      labelNames,
      collect: each((queue) => Math.max(0, ...queue.runningSeconds())),
    }),
  ];
  const adds = metrics.counter({ name: 'clusternet_workqueue_adds_total', help: 'Keys added.', labelNames });
  const retries = metrics.counter({ name: 'clusternet_workqueue_retries_total', help: 'Retries after an error.', labelNames });
  const results = metrics.counter({
    name: 'clusternet_reconcile_total',
    help: 'Finished reconciles by result.',
    labelNames: ['name', 'result'],
  });
  const queued = metrics.histogram({
    name: 'clusternet_workqueue_queue_duration_seconds',
    help: 'Time a ready key waited for a worker.',
    labelNames,
    buckets,
  });
  const work = metrics.histogram({
    name: 'clusternet_workqueue_work_duration_seconds',
    help: 'Time a reconcile took.',
    labelNames,
    buckets,
  });
  return {
    added: () => adds.inc({ name }),
    retried: () => retries.inc({ name }),
    waited: (ms) => queued.observe({ name }, ms / 1000),
    worked: (ms, result) => {
      work.observe({ name }, ms / 1000);
      results.inc({ name, result });
    },
    close: () => {
      // A successor of the same name (leadership regained) may have registered already.
      if (queues.get(name) !== state) return;
      queues.delete(name);
      for (const gauge of gauges) gauge.remove({ name });
    },
  };
}

function noop(): void {
  // Nothing is recorded without a registry.
}
