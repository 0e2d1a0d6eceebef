// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Duplex } from 'node:stream';

/** Opens a byte stream to the API server of the child. */
export type OpenStream = (signal: AbortSignal) => Promise<Duplex>;

/** Options of {@link ApiBridge.start}. */
export interface ApiBridgeOptions {
  /** Address of the API server; the only place that the bridge leads to. */
  server: URL;
  /** Opens the streams, through a tunnel for example; TCP when absent. */
  open?: OpenStream;
  signal: AbortSignal;
}

/**
 * The one way from a helm process to the API server of its child: an HTTP CONNECT proxy on loopback, with a password, for as long as one
 * call lasts. TLS goes through it end to end.
 *
 * @remarks A helm that outlives its service, because that was killed, finds the way closed: it can do nothing more, and whoever finds the
 * release half done may put it right at once.
 */
export class ApiBridge {
  /** For `proxy-url` of a kubeconfig; holds the password. */
  readonly url: string;
  readonly #server: Server;
  readonly #streams: Set<Duplex>;

  private constructor(o: { url: string; server: Server; streams: Set<Duplex> }) {
    this.url = o.url;
    this.#server = o.server;
    this.#streams = o.streams;
  }

  static async start({ server: target, open, signal }: ApiBridgeOptions): Promise<ApiBridge> {
    const password = randomBytes(24).toString('hex');
    const expected = `Basic ${Buffer.from(`helm:${password}`).toString('base64')}`;
    const port = Number(target.port || 443);
    const authority = `${target.hostname}:${port}`;
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const dial = open ?? ((stop) => dialTcp({ host, port, signal: stop }));
    const streams = new Set<Duplex>();
    const server = createServer((_request, response) => void response.writeHead(405).end());
    server.on('connect', (request: IncomingMessage, client: Duplex) => {
      client.on('error', () => undefined);
      if (!isSame(request.headers['proxy-authorization'], expected)) return void client.end('HTTP/1.1 407 Unauthorized\r\n\r\n');
      if (request.url !== authority) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      keep(streams, client);
      dial(signal).then(
        (upstream) => {
          keep(streams, upstream);
          upstream.on('error', () => client.destroy());
          upstream.on('close', () => client.destroy());
          client.on('close', () => upstream.destroy());
          client.write('HTTP/1.1 200 Connection established\r\n\r\n');
          client.pipe(upstream).pipe(client);
        },
        (error: unknown) => {
          const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 200);
          client.end(`HTTP/1.1 502 ${reason}\r\n\r\n`);
        },
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port: own } = server.address() as AddressInfo;
    return new ApiBridge({ url: `http://helm:${password}@127.0.0.1:${own}`, server, streams });
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const stream of this.#streams) stream.destroy();
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function keep(streams: Set<Duplex>, stream: Duplex): void {
  streams.add(stream);
  stream.once('close', () => streams.delete(stream));
}

function isSame(given: string | undefined, expected: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function dialTcp(o: { host: string; port: number; signal: AbortSignal }): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...o, noDelay: true, autoSelectFamily: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
