// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Metrics } from '@clusternet/runtime';
import { type Tunnel } from '@clusternet/tunnel';
import { type TunnelTrouble } from './tunnelFault.ts';

/** What the tunnel did, as numbers. One for the life of the process: leaderships and tunnels come and go. */
export class TunnelMetrics {
  readonly #tunnels = new Map<Tunnel, { bytesIn: number; bytesOut: number }>();
  readonly #reconnects;
  readonly #failures;
  readonly #streams;
  readonly #opened;
  readonly #refused;
  readonly #bytes;
  readonly #dials;
  #connectedBefore = false;

  constructor(metrics: Metrics) {
    const prefix = 'clusternet_agent_tunnel';
    // Comes first: reading it also brings the bytes, which are read later in the same scrape, up to date.
    metrics.gauge({
      name: `${prefix}_connected`,
      help: '1 while this replica holds the tunnel to the parent.',
      collect: (gauge) => {
        for (const tunnel of this.#tunnels.keys()) this.#sample(tunnel);
        gauge.set(this.#tunnels.size > 0 ? 1 : 0);
      },
    });
    this.#reconnects = metrics.counter({ name: `${prefix}_reconnects_total`, help: 'Tunnels made after the first one.' });
    this.#failures = metrics.counter({
      name: `${prefix}_failures_total`,
      help: 'Tunnels that were lost or did not come up, by reason.',
      labelNames: ['reason'],
    });
    this.#streams = metrics.gauge({ name: `${prefix}_streams`, help: 'Connections that are open for the parent.' });
    this.#opened = metrics.counter({
      name: `${prefix}_streams_opened_total`,
      help: 'Connections opened for the parent, by what to: direct is the API server of this cluster.',
      labelNames: ['to'],
    });
    this.#refused = metrics.counter({
      name: `${prefix}_streams_refused_total`,
      help: 'Connections that the parent asked for and did not get, by reason.',
      labelNames: ['reason'],
    });
    this.#bytes = metrics.counter({
      name: `${prefix}_bytes_total`,
      help: 'Bytes through the tunnel, frames included, by direction as this agent sees it.',
      labelNames: ['direction'],
    });
    this.#dials = metrics.histogram({
      name: `${prefix}_dial_seconds`,
      help: 'Time until a connection for the parent was open.',
      labelNames: ['to'],
    });
  }

  /** A tunnel came up; its end is found out from itself. */
  connected(tunnel: Tunnel): void {
    if (this.#tunnels.has(tunnel)) return;
    if (this.#connectedBefore) this.#reconnects.inc();
    this.#connectedBefore = true;
    this.#tunnels.set(tunnel, { bytesIn: 0, bytesOut: 0 });
    void tunnel.closed.then(() => {
      this.#sample(tunnel);
      this.#tunnels.delete(tunnel);
    });
  }

  failed(reason: TunnelTrouble): void {
    this.#failures.inc({ reason });
  }

  /** A stream is open; returns what to call at its end. */
  opened(to: string, seconds: number): () => void {
    this.#opened.inc({ to });
    this.#dials.observe({ to }, seconds);
    this.#streams.inc();
    return () => this.#streams.dec();
  }

  refused(reason: string): void {
    this.#refused.inc({ reason });
  }

  #sample(tunnel: Tunnel): void {
    const seen = this.#tunnels.get(tunnel);
    if (!seen) return;
    const { bytesIn, bytesOut } = tunnel;
    this.#bytes.inc({ direction: 'in' }, bytesIn - seen.bytesIn);
    this.#bytes.inc({ direction: 'out' }, bytesOut - seen.bytesOut);
    Object.assign(seen, { bytesIn, bytesOut });
  }
}
