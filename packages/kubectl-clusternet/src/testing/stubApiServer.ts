// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { CertificateAuthority } from '@clusternet/pki';

/** A request as it arrived. */
export interface Received {
  line: string;
  headers: IncomingMessage['headers'];
  raw: string[];
  body: string;
}

/** An API server over TLS whose answers a test decides. */
export class StubApiServer implements AsyncDisposable {
  readonly received: Received[] = [];
  connections = 0;
  handler: (request: Received, response: ServerResponse) => void = (_request, response) => json(response, {});
  onUpgrade: (request: IncomingMessage, socket: Duplex) => void = (_request, socket) => void socket.end();
  readonly caPem: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();

  private constructor(caPem: string, server: ReturnType<typeof createServer>) {
    this.caPem = caPem;
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#receive(request, response));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
      this.#note(request, '');
      this.onUpgrade(request, socket);
    });
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<StubApiServer> {
    const authority = await CertificateAuthority.create('stub');
    const { cert, key } = await authority.issue({ names: ['parent'], hosts: ['127.0.0.1'] });
    const server = new StubApiServer(authority.cert, createServer({ cert, key }));
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A kubeconfig for it. */
  kubeconfig(o: { user?: object; path?: string; namespace?: string } = {}): string {
    const ca = Buffer.from(this.caPem).toString('base64');
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'stub', cluster: { server: this.url + (o.path ?? ''), 'certificate-authority-data': ca } }],
      users: [{ name: 'jane', user: o.user ?? { token: 'parent-token' } }],
      contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'jane', namespace: o.namespace } }],
      'current-context': 'stub',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.handler(this.#note(request, Buffer.concat(chunks).toString('utf8')), response));
  }

  #note({ method, url, headers, rawHeaders }: IncomingMessage, body: string): Received {
    const received = { line: `${method} ${url}`, headers, raw: rawHeaders, body };
    this.received.push(received);
    return received;
  }
}

/** Answers with JSON. */
export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
