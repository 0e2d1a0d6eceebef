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

// One gauge serves all queues of a process, so the queues behind it are kept with their registry. Queues may share a name (one per
// cluster, or one that ends while its successor begins): they are shown as one, which keeps the number of series independent of theirs.
const queuesOf = new WeakMap<Metrics, Map<string, Set<QueueState>>>();

/** The metrics of the queue with that name; silent without a registry. */
export function queueMetrics(metrics: Metrics | undefined, name: string, state: QueueState): QueueMetrics {
  if (!metrics) return none;
  const queues = queuesOf.get(metrics) ?? new Map<string, Set<QueueState>>();
  queuesOf.set(metrics, queues);
  const sharers = queues.get(name) ?? new Set();
  queues.set(name, sharers.add(state));

  const labelNames = ['name'];
  const each = (value: (queues: QueueState[]) => number) => (gauge: { set(labels: { name: string }, value: number): void }) => {
    for (const [queue, states] of queues) gauge.set({ name: queue }, value([...states]));
  };
  const gauges = [
    metrics.gauge({
      name: 'clusternet_workqueue_depth',
      help: 'Keys that wait to be worked.',
      labelNames,
      collect: each((states) => sum(states.map((queue) => queue.depth()))),
    }),
    metrics.gauge({
      name: 'clusternet_workqueue_unfinished_work_seconds',
      help: 'Sum of the time that the reconciles running now have taken so far.',
      labelNames,
      collect: each((states) => sum(states.flatMap((queue) => queue.runningSeconds()))),
    }),
    metrics.gauge({
      name: 'clusternet_workqueue_longest_running_processor_seconds',
      help: 'How long the longest reconcile has been running.',
      labelNames,
      collect: each((states) => Math.max(0, ...states.flatMap((queue) => queue.runningSeconds()))),
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
      sharers.delete(state);
      if (sharers.size > 0 || queues.get(name) !== sharers) return;
      queues.delete(name);
      for (const gauge of gauges) gauge.remove({ name });
    },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function noop(): void {
  // Nothing is recorded without a registry.
}
