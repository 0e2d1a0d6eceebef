// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';

/** A request with its body read. */
export interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  socket: Socket;
}

export type Handler = (request: ReceivedRequest, response: ServerResponse) => void;

/** An HTTP(S) server on loopback whose answers a test decides. */
export class TestServer implements AsyncDisposable {
  /** Everything received so far. */
  readonly requests: ReceivedRequest[] = [];
  /** Connections accepted so far. */
  connections = 0;
  handler: Handler;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;

  private constructor(handler: Handler, tls?: ServerOptions) {
    this.handler = handler;
    this.#scheme = tls ? 'https' : 'http';
    const listener = (q: IncomingMessage, s: ServerResponse): void => this.#receive(q, s);
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  static async start(handler: Handler, o: { tls?: ServerOptions; port?: number } = {}): Promise<TestServer> {
    const server = new TestServer(handler, o.tls);
    await new Promise<void>((resolve) => server.#server.listen(o.port ?? 0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Goes on with another certificate, as after a restart: all connections end. */
  replaceCertificate(pair: { cert: string; key: string }): void {
    (this.#server as TlsServer).setSecureContext(pair);
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const received = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
        socket: request.socket,
      };
      this.requests.push(received);
      this.handler(received, response);
    });
  }
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with a Status as API servers do. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  o: { message?: string; headers?: Record<string, string> } = {},
): void {
  json(
    response,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: o.message ?? `refused: ${reason}`, reason, code },
    code,
    o.headers,
  );
}
