// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { isIPv6, type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { type Logger, toError } from '@clusternet/runtime';
import { type Tunnel, TunnelClient, TunnelServer } from '@clusternet/tunnel';
import { type StreamTarget } from '../sockets/proxyTarget.ts';
import { type Streams } from '../sockets/streams.ts';
import { NoTunnelError } from '../sockets/tunnelErrors.ts';
import { type PeerAddress } from './leases.ts';

/** Certificate, key and trust between replicas, PEM. */
export interface PeerTls {
  cert: string;
  key: string;
  bundle: string;
}

/** Options of {@link PeerNetwork}. */
export interface PeerNetworkOptions {
  id: string;
  /** What holds now; asked for each connection. */
  tls: () => PeerTls;
  /** Name in the certificates of all replicas. */
  name: string;
  /** Opens streams in the tunnels that end here, and only in those: nothing is passed on twice. */
  local: Streams;
  logger: Logger;
}

/** Streams that one replica may have open at another. */
const maxStreams = 20_000;
const tunnelOptions = { maxStreams, keepAliveMs: 2_000, deadAfterMs: 6_000 };

/**
 * Tunnels between the replicas, over TLS that both sides prove themselves in. Streams are passed on, not requests: each replica
 * authenticates, authorizes and speaks TLS to children for its own callers.
 */
export class PeerNetwork {
  readonly #options: PeerNetworkOptions;
  readonly #server: Server;
  readonly #tunnels: TunnelServer;
  readonly #peers = new Map<string, { address: string; client: TunnelClient; tunnel?: Tunnel }>();

  private constructor(options: PeerNetworkOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.#tunnels = new TunnelServer({
      ...tunnelOptions,
      drainSpreadMs: 0,
      onTunnel: () => undefined,
      onStream: (target, { signal }) => this.#serve(target, signal),
    });
    server.on('upgrade', (request, socket, head) => this.#tunnels.handleUpgrade(request, socket, head));
  }

  /** @throws an Error that says which address is taken */
  static async listen(options: PeerNetworkOptions, o: { port: number; address: string }): Promise<PeerNetwork> {
    const server = createServer({
      ...secureOptions(options.tls()),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      headersTimeout: 5_000,
      handshakeTimeout: 5_000,
    });
    server.on('request', (_request, response) => response.writeHead(404).end());
    server.on('tlsClientError', (error) => options.logger.debug('a peer was not let in', { error }));
    server.listen(o.port, o.address);
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new Error(`cannot listen on ${o.address}:${o.port} for other replicas; choose another --peer-port`, { cause });
    }
    return new PeerNetwork(options, server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** For connections from now on. */
  renewed(): void {
    this.#server.setSecureContext(secureOptions(this.#options.tls()));
  }

  /** Keeps tunnels to these replicas, and to no others. */
  follow(peers: PeerAddress[]): void {
    const wanted = new Map(peers.filter(({ id }) => id !== this.#options.id).map((peer) => [peer.id, peer]));
    for (const [id, { client, address }] of this.#peers) {
      const peer = wanted.get(id);
      if (peer && urlOf(peer) === address) continue;
      this.#peers.delete(id);
      void client.close();
    }
    for (const [id, peer] of wanted) if (!this.#peers.has(id)) this.#connect(peer);
  }

  /** Whether the tunnel to another replica is up; we are always there for ourselves. */
  isConnected(peerId: string): boolean {
    return peerId === this.#options.id || this.#peers.get(peerId)?.tunnel !== undefined;
  }

  /**
   * Opens a stream in a tunnel that another replica holds.
   *
   * @throws NoTunnelError when that replica cannot be reached now
   */
  async open(peerId: string, clusterId: string, target: StreamTarget, signal?: AbortSignal): Promise<Duplex> {
    const tunnel = this.#peers.get(peerId)?.tunnel;
    if (!tunnel) throw new NoTunnelError('the replica of the hub that holds the tunnel of the cluster cannot be reached');
    return tunnel.open(JSON.stringify({ via: clusterId, ...target }), { signal });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map(({ client }) => client.close()));
    this.#peers.clear();
    await this.#tunnels.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #connect(peer: PeerAddress): void {
    const { tls, name, logger } = this.#options;
    const address = urlOf(peer);
    const client = new TunnelClient({
      ...tunnelOptions,
      url: address,
      headers: async () => ({}),
      tls: async () => {
        const { cert, key, bundle } = tls();
        return { cert, key, ca: bundle, servername: name };
      },
      backoff: { initialMs: 100, maxMs: 2_000 },
      onChange: ({ connected, tunnel, error }) => {
        const entry = this.#peers.get(peer.id);
        if (entry?.client === client) entry.tunnel = tunnel;
        logger.debug('tunnel to another replica', { peer: peer.id, connected, ...(error && { error: toError(error) }) });
      },
    });
    this.#peers.set(peer.id, { address, client });
    client.start();
  }

  async #serve(text: string, signal: AbortSignal): Promise<Duplex> {
    const { via, ...target } = JSON.parse(text) as { via: string } & StreamTarget;
    return this.#options.local.open(via, target, signal);
  }
}

function secureOptions({ cert, key, bundle }: PeerTls): { cert: string; key: string; ca: string } {
  return { cert, key, ca: bundle };
}

function urlOf({ host, port }: PeerAddress): string {
  return `https://${isIPv6(host) ? `[${host}]` : host}:${port}/peer`;
}
