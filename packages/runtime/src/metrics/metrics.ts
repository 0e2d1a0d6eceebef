// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient } from '@clusternet/client';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a metric is called, says and is split by. */
export interface MetricOptions {
  /** With unit and `clusternet_` prefix: `clusternet_things_total`, `clusternet_thing_seconds`. */
  name: string;
  help: string;
  labelNames?: string[];
}

/** The metrics of one process (or of one test): a registry with helpers that give an existing metric back when asked twice. */
export class Metrics {
  readonly registry = new Registry();

  constructor(options: { processDefaults?: boolean } = {}) {
    if (options.processDefaults) collectDefaultMetrics({ register: this.registry });
  }

  counter(options: MetricOptions): Counter {
    return this.#reuse(options.name, () => new Counter({ ...options, registers: [this.registry] }));
  }

  gauge(options: MetricOptions & { collect?: (gauge: Gauge) => void }): Gauge {
    const { collect, ...rest } = options;
    return this.#reuse(
      options.name,
      () =>
        new Gauge({
          ...rest,
          registers: [this.registry],
          ...(collect && {
            collect(): void {
              collect(this);
            },
          }),
        }),
    );
  }

  /** @param options - `buckets` in seconds; the default suits API calls, 5 ms to 30 s */
  histogram(options: MetricOptions & { buckets?: number[] }): Histogram {
    const buckets = options.buckets ?? [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
    return this.#reuse(options.name, () => new Histogram({ ...options, buckets, registers: [this.registry] }));
  }

  /**
   * Counts and times every request of a client.
   *
   * @param cluster - label value that tells the clusters of one process apart, e.g. `parent`
   * @returns stops it and drops the label's series, for clusters that go away
   */
  observeClient(client: KubeClient, cluster: string): () => void {
    const requests = this.counter({
      name: 'clusternet_api_requests_total',
      help: 'Requests to Kubernetes API servers.',
      labelNames: ['cluster', 'verb', 'resource', 'code'],
    });
    const durations = this.histogram({
      name: 'clusternet_api_request_duration_seconds',
      help: 'Time until a Kubernetes API server had answered.',
      labelNames: ['cluster', 'verb', 'resource'],
    });
    const seen = new Map<string, Record<string, string>>();
    client.onRequest = ({ method, resource, code, durationMs }) => {
      const labels = { cluster, verb: method.toLowerCase(), resource };
      const counted = { ...labels, code: String(code) };
      seen.set(Object.values(counted).join(' '), counted);
      requests.inc(counted);
      durations.observe(labels, durationMs / 1000);
    };
    return () => {
      client.onRequest = undefined;
      for (const { code, ...labels } of seen.values()) {
        requests.remove({ ...labels, code: code ?? '' });
        durations.remove(labels);
      }
    };
  }

  #reuse<M extends Counter | Gauge | Histogram>(name: string, create: () => M): M {
    return (this.registry.getSingleMetric(name) as M | undefined) ?? create();
  }
}
