// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Metrics } from './metrics.ts';

/** What an informer reports. */
export interface InformerMetrics {
  listed(): void;
  watchRestarted(reason: string): void;
  close(): void;
}

// Several informers may follow one resource (one per namespace or cluster); the gauge adds them up.
const sizesOf = new WeakMap<Metrics, Map<string, Set<() => number>>>();

/** The metrics of an informer; silent without a registry. */
export function informerMetrics(metrics: Metrics | undefined, resource: string, size: () => number): InformerMetrics {
  if (!metrics) return { listed: () => undefined, watchRestarted: () => undefined, close: () => undefined };
  const resources = sizesOf.get(metrics) ?? new Map<string, Set<() => number>>();
  sizesOf.set(metrics, resources);
  const sizes = resources.get(resource) ?? new Set();
  resources.set(resource, sizes.add(size));

  metrics.gauge({
    name: 'clusternet_informer_objects',
    help: 'Objects in the informers of this process.',
    labelNames: ['resource'],
    collect: (gauge) => {
      for (const [name, all] of resources) {
        gauge.set(
          { resource: name },
          [...all].reduce((sum, read) => sum + read(), 0),
        );
      }
    },
  });
  const lists = metrics.counter({
    name: 'clusternet_informer_lists_total',
    help: 'Complete lists: the first one and those after a version that was too old.',
    labelNames: ['resource'],
  });
  const restarts = metrics.counter({
    name: 'clusternet_watch_restarts_total',
    help: 'Watches that ended, by reason: closed (in order), silent, gone or error.',
    labelNames: ['resource', 'reason'],
  });
  return {
    listed: () => lists.inc({ resource }),
    watchRestarted: (reason) => restarts.inc({ resource, reason }),
    close: () => sizes.delete(size),
  };
}
