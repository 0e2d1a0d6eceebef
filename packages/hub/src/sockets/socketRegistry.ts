// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { type Duplex } from 'node:stream';
import { type Logger, type Metrics } from '@clusternet/runtime';
import { StreamRefusedError, type Tunnel, TunnelServer, type TunnelServerOptions } from '@clusternet/tunnel';
import { type StreamTarget } from './proxyTarget.ts';
import { type SocketMetrics, socketMetrics } from './socketMetrics.ts';
import { type Streams } from './streams.ts';
import { NoTunnelError } from './tunnelErrors.ts';
import { type TunnelOwner } from './tunnelIdentity.ts';

/** A tunnel that is up at this replica. */
export interface Session {
  readonly owner: TunnelOwner;
  readonly tunnel: Tunnel;
}

/** Options of {@link SocketRegistry}. */
export interface SocketRegistryOptions {
  logger: Logger;
  metrics: Metrics;
  tunnel?: Omit<TunnelServerOptions, 'onTunnel' | 'onStream'>;
}

type Handler = (session: Session, change: 'up' | 'down') => void;

const accountingMs = 5_000;

/** The tunnels of agents that end at this replica; of several of one cluster the newest counts, and the others are closed. */
export class SocketRegistry implements Streams {
  readonly #logger: Logger;
  readonly #metrics: SocketMetrics;
  readonly #server: TunnelServer;
  readonly #sessions = new Map<string, Session>();
  readonly #arriving = new WeakMap<IncomingMessage, TunnelOwner>();
  readonly #counted = new Map<Tunnel, { in: number; out: number }>();
  readonly #seen = new Set<string>();
  readonly #handlers = new Set<Handler>();
  readonly #accounting: NodeJS.Timeout;

  constructor(o: SocketRegistryOptions) {
    this.#logger = o.logger;
    this.#metrics = socketMetrics(o.metrics, () => ({ tunnels: this.#sessions.size, streams: this.#streams() }));
    this.#server = new TunnelServer({ ...o.tunnel, onTunnel: (tunnel, request) => this.#up(tunnel, request) });
    this.#accounting = setInterval(() => this.#account(), accountingMs).unref();
  }

  /** Takes an upgrade over, whose caller is known to be the agent of that cluster. */
  accept(owner: TunnelOwner, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#arriving.set(request, owner);
    this.#server.handleUpgrade(request, socket, head);
  }

  get(clusterId: string): Session | undefined {
    return this.#sessions.get(clusterId);
  }

  list(): Session[] {
    return [...this.#sessions.values()];
  }

  /** Calls back when tunnels come and go, from now on. */
  onChange(handler: Handler): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async open(clusterId: string, target: StreamTarget, signal?: AbortSignal): Promise<Duplex> {
    const session = this.#sessions.get(clusterId);
    if (!session) throw new NoTunnelError();
    const started = performance.now();
    const seconds = (): number => (performance.now() - started) / 1000;
    try {
      const stream = await session.tunnel.open(JSON.stringify(target), { signal });
      this.#metrics.dialled('ok', seconds());
      return stream;
    } catch (error) {
      if (!signal?.aborted) this.#metrics.dialled(error instanceof StreamRefusedError ? 'refused' : 'failed', seconds());
      throw error;
    }
  }

  /** Sends the agents to other replicas, each at a moment of its own, and closes what is left after a few seconds. */
  async close(): Promise<void> {
    await this.#server.close();
    clearInterval(this.#accounting);
  }

  #up(tunnel: Tunnel, request: IncomingMessage): void {
    const owner = this.#arriving.get(request);
    if (!owner) {
      void tunnel.close('nobody knows whose it is');
      return;
    }
    const { clusterId } = owner;
    const session: Session = { owner, tunnel };
    const older = this.#sessions.get(clusterId);
    this.#sessions.set(clusterId, session);
    this.#counted.set(tunnel, { in: 0, out: 0 });
    if (this.#seen.has(clusterId)) this.#metrics.reconnected();
    else this.#seen.add(clusterId);
    this.#logger.info('tunnel is up', { cluster: owner.name, namespace: owner.namespace, tunnel: tunnel.id });
    void tunnel.closed.then(({ reason }) => this.#down(session, reason));
    this.#tell(session, 'up');
    if (older) void older.tunnel.close('the cluster has a newer tunnel');
  }

  #down(session: Session, reason: string): void {
    const { owner, tunnel } = session;
    this.#account();
    this.#counted.delete(tunnel);
    this.#metrics.closed((Date.now() - tunnel.connectedAt.getTime()) / 1000);
    this.#logger.info('tunnel is down', { cluster: owner.name, namespace: owner.namespace, tunnel: tunnel.id, reason });
    if (this.#sessions.get(owner.clusterId) === session) this.#sessions.delete(owner.clusterId);
    this.#tell(session, 'down');
  }

  #tell(session: Session, change: 'up' | 'down'): void {
    for (const handler of this.#handlers) handler(session, change);
  }

  #streams(): number {
    let streams = 0;
    for (const { tunnel } of this.#sessions.values()) streams += tunnel.streams;
    return streams;
  }

  #account(): void {
    const moved = { in: 0, out: 0 };
    for (const [tunnel, before] of this.#counted) {
      moved.in += tunnel.bytesIn - before.in;
      moved.out += tunnel.bytesOut - before.out;
      before.in = tunnel.bytesIn;
      before.out = tunnel.bytesOut;
    }
    this.#metrics.moved(moved);
  }

  /** For requests that are counted with the tunnels. */
  get metrics(): SocketMetrics {
    return this.#metrics;
  }
}
