// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Metrics } from '@clusternet/runtime';

/** What is counted about tunnels. */
export interface SocketMetrics {
  /** A tunnel is over. */
  closed(seconds: number): void;
  reconnected(): void;
  /** Bytes since the last time. */
  moved(bytes: { in: number; out: number }): void;
  dialled(result: 'ok' | 'refused' | 'failed', seconds: number): void;
  /** A proxied request was answered. */
  proxied(kind: 'request' | 'upgrade', code: number): void;
}

/** Registers the metrics; `now` tells how many tunnels and streams there are. */
export function socketMetrics(metrics: Metrics, now: () => { tunnels: number; streams: number }): SocketMetrics {
  metrics.gauge({
    name: 'clusternet_socket_connections_count',
    help: 'Tunnels of agents that this replica holds.',
    collect: (gauge) => gauge.set(now().tunnels),
  });
  metrics.gauge({
    name: 'clusternet_socket_streams',
    help: 'Streams that are open in them.',
    collect: (gauge) => gauge.set(now().streams),
  });
  const durations = metrics.histogram({
    name: 'clusternet_socket_connections_duration_seconds',
    help: 'How long tunnels lasted.',
    buckets: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => 60 * 4 ** n),
  });
  const reconnects = metrics.counter({
    name: 'clusternet_socket_reconnects_total',
    help: 'Tunnels of clusters that had one at this replica before.',
  });
  const bytes = metrics.counter({
    name: 'clusternet_socket_bytes_total',
    help: 'Bytes through the tunnels, as seen from here.',
    labelNames: ['direction'],
  });
  const dials = metrics.histogram({
    name: 'clusternet_socket_dial_seconds',
    help: 'How long agents took to open what they were asked for.',
    labelNames: ['result'],
  });
  const requests = metrics.counter({
    name: 'clusternet_socket_proxied_requests_total',
    help: 'Requests to clusters by the status they were answered with.',
    labelNames: ['kind', 'code'],
  });
  return {
    closed: (seconds) => durations.observe(seconds),
    reconnected: () => reconnects.inc(),
    moved: (moved) => {
      bytes.inc({ direction: 'in' }, moved.in);
      bytes.inc({ direction: 'out' }, moved.out);
    },
    dialled: (result, seconds) => dials.observe({ result }, seconds),
    proxied: (kind, code) => requests.inc({ kind, code: String(code) }),
  };
}
