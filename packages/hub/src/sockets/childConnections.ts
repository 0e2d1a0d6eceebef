// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from 'node:tls';
import { type Duplex } from 'node:stream';
import { memo } from '@clusternet/apiserver';
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

interface Entry {
  pool: Pool;
  /** Made with the first connection: parsing certificates is the dearest part of a handshake here. */
  context?: SecureContext;
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
  readonly #entries = new Map<string, Entry>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(o: { streams: Streams; now?: () => number }) {
    this.#streams = o.streams;
    this.#now = o.now ?? (() => performance.now());
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref();
  }

  /** Pools in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /** For requests that are answered and leave their connection as it was. */
  dispatcher(route: Route): Dispatcher {
    return this.#entry(route).pool;
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
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(({ pool }) => pool.destroy()));
  }

  #entry(route: Route): Entry {
    const key = keyOf(route);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { pool: this.#create(route), usedAt: 0 };
      this.#entries.set(key, entry);
    }
    entry.usedAt = this.#now();
    return entry;
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
    const { serverName } = route.target;
    const entry = this.#entry(route);
    try {
      entry.context ??= secureContext(route);
    } catch (cause) {
      stream.destroy();
      return Promise.reject(
        Object.assign(new Error('the CA bundle of the cluster cannot be read', { cause }), { code: 'ERR_TLS_CA' }),
      );
    }
    const tls = { secureContext: entry.context, ALPNProtocols: ['http/1.1'] };
    return secureStream(stream, { host: serverName, signal, tls });
  }

  #sweep(): void {
    const before = this.#now() - unusedMs;
    for (const [key, { pool, usedAt }] of this.#entries) {
      const { running, pending, queued } = pool.stats;
      if (usedAt > before || running + pending + queued > 0) continue;
      this.#entries.delete(key);
      void pool.close();
    }
  }
}

function secureContext({ target, certificate }: Route): SecureContext {
  const { caPem, stream } = target;
  // The API server of a cluster is vouched for by the cluster's own CA alone; other hosts may be known to the world.
  const ca = caPem === undefined || stream.to === 'direct' ? caPem : [caPem, ...rootCertificates];
  return createSecureContext({
    ca,
    cert: certificate?.certPem,
    key: certificate?.keyPem,
    minVersion: 'TLSv1.2',
    allowPartialTrustChain: true,
  });
}

function keyOf({ clusterId, target, certificate }: Route): string {
  const { stream, secure, serverName, caPem } = target;
  const where = stream.to === 'direct' ? 'direct' : `${stream.host} ${stream.port}`;
  return [clusterId, where, secure, serverName, hashOf(caPem ?? ''), certificate?.hash ?? ''].join('\n');
}

/** In place of bundles, which may be long and are few. */
const hashOf = memo((text) => createHash('sha256').update(text).digest('base64'));
