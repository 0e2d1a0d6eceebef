// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createSecureContext } from 'node:tls';
import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { type TlsMaterial } from './credentials.ts';
import { connectorOver, type Dial, secureStream } from './dial.ts';

/** The kept-alive connections made with one set of TLS material. */
export interface Connections {
  /** For requests; bounded, so that a burst queues here and not in the server's accept queue. */
  requests: Dispatcher;
  /** For watches, each of which keeps a connection for itself and must never starve requests. */
  watches: Dispatcher;
}

const maxRequestConnections = 64;
/** Below the 90 s after which API servers close idle connections, so that we close first. */
const keepAliveMs = 60_000;

/** Holds the connections in use and replaces them when the TLS material changes; replaced ones finish their work first. */
export class ConnectionManager {
  readonly #origin: string;
  readonly #dial: Dial | undefined;
  readonly #onReplaced: () => void;
  readonly #draining = new Set<Connections>();
  #unusable: TlsMaterial | undefined;
  #current: { tls: TlsMaterial; connections: Connections } | undefined;

  /**
   * `origin` is scheme, host and port of the server; `dial` opens what its connections run on, instead of TCP; `onReplaced` is called
   * after the material in use has changed.
   */
  constructor(origin: string, o: { dial?: Dial; onReplaced?: () => void } = {}) {
    this.#origin = origin;
    this.#dial = o.dial;
    this.#onReplaced = o.onReplaced ?? (() => undefined);
  }

  /** The material of the connections in use; undefined before the first. */
  get tls(): TlsMaterial | undefined {
    return this.#current?.tls;
  }

  /** Connections for this material. Material that TLS cannot use throws, unless there are earlier connections to go on with. */
  get(tls: TlsMaterial): Connections {
    if (this.#current?.tls === tls || (this.#current && this.#unusable === tls)) return this.#current.connections;
    let connections: Connections;
    try {
      connections = connect(this.#origin, tls, this.#dial);
    } catch (error) {
      // Half of a rotation: certificate and key are written one after the other.
      if (!this.#current) throw error;
      this.#unusable = tls;
      return this.#current.connections;
    }
    const old = this.#current?.connections;
    this.#current = { tls, connections };
    if (old) {
      this.#drain(old);
      this.#onReplaced();
    }
    return connections;
  }

  /** Ends all connections and whatever is under way on them with `error`. */
  async destroy(error: Error): Promise<void> {
    const all = [...this.#draining, ...(this.#current ? [this.#current.connections] : [])];
    this.#current = undefined;
    await Promise.all(all.flatMap((c) => [c.requests.destroy(error), c.watches.destroy(error)]));
  }

  #drain(old: Connections): void {
    this.#draining.add(old);
    void Promise.allSettled([old.requests.close(), old.watches.close()]).then(() => this.#draining.delete(old));
  }
}

const connectTimeoutMs = 10_000;

function connect(origin: string, tls: TlsMaterial, dial: Dial | undefined): Connections {
  const secure = origin.startsWith('https:');
  const tlsOptions = {
    // Parsed once here and not again for each connection; this is also what refuses a key that does not fit its certificate.
    ...(secure ? { secureContext: createSecureContext({ ca: tls.caPem, cert: tls.certPem, key: tls.keyPem }) } : {}),
    ...(tls.serverName ? { servername: tls.serverName } : {}),
    ...(tls.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    timeout: connectTimeoutMs,
  };
  const options: Pool.Options = {
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // Time-outs are the requests' own: see Exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const dialled =
    dial &&
    connectorOver({
      dial,
      timeoutMs: connectTimeoutMs,
      ...(secure && {
        secure: (stream, signal) =>
          secureStream(stream, { host: hostOf(origin), serverName: tls.serverName, tls: tlsOptions, signal }),
      }),
    });
  const make = (connections: number | null): Dispatcher =>
    tls.proxyUrl && !dialled
      ? new ProxyAgent({ ...options, connections, uri: tls.proxyUrl, requestTls: tlsOptions, proxyTunnel: true })
      : new Pool(origin, { ...options, connections, connect: dialled ?? tlsOptions });
  return { requests: make(maxRequestConnections), watches: make(null) };
}

function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[(.*)\]$/, '$1');
}
