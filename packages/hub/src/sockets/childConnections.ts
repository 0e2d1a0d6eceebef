// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import { type Duplex } from 'node:stream';
import { connectorOver, secureStream } from '@clusternet/client';
import { type Dispatcher, Pool } from 'undici';
import { type ChildIdentity } from './childIdentity.ts';
import { type ProxyTarget } from './proxyTarget.ts';
import { type Streams } from './streams.ts';

/** Where a connection goes and what it is made with. Requests that are alike in this share connections. */
export interface Route {
  clusterId: string;
  target: ProxyTarget;
  certificate: ChildIdentity['certificate'];
}

interface PoolEntry {
  pool: Pool;
  usedAt: number;
}

const connectTimeoutMs = 15_000;
/** Below the 90 s after which API servers close idle connections, so that we close first. */
const keepAliveMs = 60_000;
const unusedMs = 120_000;
const sweepMs = 30_000;

/**
 * Kept-alive connections through the tunnels, one pool for each cluster, target and client certificate. Tokens are of single requests and may
 * share a connection; certificates are of the connection and never do.
 */
export class ChildConnections {
  readonly #streams: Streams;
  readonly #now: () => number;
  readonly #pools = new Map<string, PoolEntry>();
  readonly #contexts = new Map<string, SecureContext>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(o: { streams: Streams; now?: () => number }) {
    this.#streams = o.streams;
    this.#now = o.now ?? (() => performance.now());
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref();
  }

  /** Pools in memory. */
  get size(): number {
    return this.#pools.size;
  }

  /** For requests that are answered and leave their connection as it was. */
  dispatcher(route: Route): Dispatcher {
    const key = keyOf(route);
    const known = this.#pools.get(key);
    if (known) {
      known.usedAt = this.#now();
      return known.pool;
    }
    const pool = this.#create(route);
    this.#pools.set(key, { pool, usedAt: this.#now() });
    return pool;
  }

  /** A connection for one user alone, who closes it: what is upgraded never comes back. */
  async connect(route: Route, signal: AbortSignal): Promise<Duplex> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]);
    const stream = await this.#streams.open(route.clusterId, route.target.stream, limited);
    return route.target.secure ? this.#secure(route, stream, limited) : stream;
  }

  /** Ends all connections and what is under way on them. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#contexts.clear();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  #create(route: Route): Pool {
    const { clusterId, target } = route;
    const connect = connectorOver({
      dial: (signal) => this.#streams.open(clusterId, target.stream, signal),
      timeoutMs: connectTimeoutMs,
      ...(target.secure && { secure: (stream, signal) => this.#secure(route, stream, signal) }),
    });
    // The origin is for undici's books only: each request brings its Host header, each connection is dialled by the connector.
    return new Pool('http://child', {
      connect,
      allowH2: false,
      pipelining: 1,
      connections: null,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Watches and logs may be silent for as long as they like.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 64 * 1024,
    });
  }

  #secure(route: Route, stream: Duplex, signal: AbortSignal): Promise<TLSSocket> {
    const { host, serverName } = { host: route.target.serverName, serverName: route.target.serverName };
    let secureContext: SecureContext;
    try {
      secureContext = this.#context(route);
    } catch (error) {
      stream.destroy();
      return Promise.reject(
        Object.assign(new Error('the CA bundle of the cluster cannot be read', { cause: error }), { code: 'ERR_TLS_CA' }),
      );
    }
    return secureStream(stream, { host, serverName, signal, tls: { secureContext, ALPNProtocols: ['http/1.1'] } });
  }

  /** Made once for each bundle and certificate: parsing them is the dearest part of a handshake here. */
  #context({ target, certificate }: Route): SecureContext {
    const key = createHash('sha256').update(`${target.stream.to}\n${target.caPem}\n${certificate?.hash}`).digest('hex');
    const known = this.#contexts.get(key);
    if (known) return known;
    const { caPem } = target;
    // The API server of a cluster is vouched for by the cluster's own CA alone; other hosts may be known to the world.
    const ca = caPem === undefined ? undefined : target.stream.to === 'direct' ? [caPem] : [caPem, ...rootCertificates];
    const context = createSecureContext({
      ca,
      cert: certificate?.certPem,
      key: certificate?.keyPem,
      minVersion: 'TLSv1.2',
      allowPartialTrustChain: true,
    });
    this.#contexts.set(key, context);
    return context;
  }

  #sweep(): void {
    const before = this.#now() - unusedMs;
    for (const [key, { pool, usedAt }] of this.#pools) {
      const { running, pending, queued } = pool.stats;
      if (usedAt > before || running + pending + queued > 0) continue;
      this.#pools.delete(key);
      void pool.close();
    }
    if (this.#pools.size === 0) this.#contexts.clear();
  }
}

function keyOf({ clusterId, target, certificate }: Route): string {
  const { stream, secure, serverName, caPem } = target;
  const where = stream.to === 'direct' ? 'direct' : `${stream.host} ${stream.port}`;
  return createHash('sha256')
    .update([clusterId, where, secure, serverName, caPem ?? '', certificate?.hash ?? ''].join('\n'))
    .digest('base64');
}
