// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, request as httpRequest, type RequestOptions, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { KubeConfig } from '@kubernetes/client-node';
import { type View } from './templateView.ts';

/** Options of {@link startEndpoint}. */
export interface EndpointOptions {
  /** Where requests go, and with which login. */
  target: KubeConfig;
  /** Applied to the path of each request, its query included. */
  rewrite?: (path: string) => string;
  /** What is told otherwise than the target says it. */
  view?: View;
  /** Told once when the very first request cannot be brought to the target at all. */
  onUnreachable?: (error: Error) => void;
  /** Told of each answer of the target, with the path there. */
  onAnswer?: (path: string, answer: IncomingMessage) => void;
}

/** A local address behind which the API of a cluster lies. */
export interface Endpoint extends AsyncDisposable {
  /** To be given to kubectl as the server. It holds a secret: without it nobody is served. */
  readonly url: string;
  close(): Promise<void>;
}

/** Headers that end at each hop, and those that say who asks, which are ours to set. */
const dropped = /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|authorization|impersonate-.*)$/;
const connectMs = 30_000;

/**
 * Serves the API of a cluster on loopback to programs started by this one, such as kubectl: requests are given the login of the kubeconfig
 * and brought to the cluster, upgrades and streams included.
 *
 * Loopback is shared with all users of the machine, so the address holds 256 random bits as its path, and whatever does not begin with it is
 * refused. The login itself never appears on loopback.
 */
export async function startEndpoint(o: EndpointOptions): Promise<Endpoint> {
  const proxy = new Proxy(o);
  // kubectl may think for long between two requests, as while an editor is open.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, (request, response) =>
    proxy.serve(request, response),
  );
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => proxy.upgrade(request, socket, head));
  server.on('clientError', (_error, socket) => socket.destroy());
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${proxy.prefix}`, close, [Symbol.asyncDispose]: close };
}

interface KeptAliveAgent {
  keepAlive?: boolean;
  destroy(): void;
}

class Proxy {
  readonly prefix: string;
  readonly #secret: Buffer;
  readonly #o: EndpointOptions;
  readonly #server: URL;
  readonly #agents = new Set<KeptAliveAgent>();
  #reached = false;

  constructor(o: EndpointOptions) {
    this.prefix = `/${randomBytes(32).toString('hex')}`;
    this.#secret = Buffer.from(this.prefix);
    this.#o = o;
    this.#server = new URL(o.target.getCurrentCluster()?.server ?? '');
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const path = this.#pathOf(request);
    if (path === undefined) {
      response.writeHead(403).end();
      return;
    }
    this.#serve(path, request, response).catch((error: unknown) => this.#fail(error, response));
  }

  upgrade(request: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy());
    const path = this.#pathOf(request);
    if (path === undefined) {
      client.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#upgrade(path, request, client, head).catch((error: unknown) => {
      this.#tell(error);
      const body = JSON.stringify(unreachableStatus(error));
      client.end(
        `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    });
  }

  /** The path on the server, or undefined for somebody who does not know the secret. */
  #pathOf({ url = '' }: IncomingMessage): string | undefined {
    const given = Buffer.from(url.slice(0, this.prefix.length));
    const rest = url.slice(this.prefix.length);
    if (given.length !== this.#secret.length || !timingSafeEqual(given, this.#secret) || !/^(?:[/?]|$)/.test(rest))
      return undefined;
    const path = rest.startsWith('/') ? rest : `/${rest}`;
    return this.#server.pathname.replace(/\/+$/, '') + (this.#o.rewrite?.(path) ?? path);
  }

  async #serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { view } = this.#o;
    const { method = '' } = request;
    const own = view?.ownAnswer(method, path);
    if (own) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(own));
      return;
    }
    const change = view?.changeOf(path);
    const options = await this.#options(path, request);
    if (change) options.headers = { ...options.headers, 'accept-encoding': 'identity' };
    await new Promise<void>((resolve, reject) => {
      const outgoing = this.#request(options, (answer) => {
        this.#reached = true;
        view?.note({ method, path, answer });
        this.#o.onAnswer?.(path, answer);
        if (change && answer.statusCode === 200) {
          void answerChanged(answer, response, change).then(resolve, reject);
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
        // A watch may be silent for long; who opened it wants to know now that it stands.
        response.flushHeaders();
        pipeline(answer, response, () => resolve());
      });
      outgoing.on('error', reject);
      response.on('close', () => outgoing.destroy());
      pipeline(request, outgoing, (error) => error && !response.headersSent && reject(error));
    });
  }

  async #upgrade(path: string, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const options = await this.#options(path, request);
    options.headers = { ...options.headers, connection: 'Upgrade', upgrade: request.headers.upgrade };
    await new Promise<void>((resolve, reject) => {
      const outgoing = this.#request(options, (answer) => {
        // No upgrade; the answer says why.
        this.#reached = true;
        client.write(headOf(answer, ['Connection', 'close']));
        pipeline(answer, client, () => resolve());
      });
      outgoing.on('upgrade', (answer, server, first) => {
        this.#reached = true;
        server.on('error', () => server.destroy());
        client.write(headOf(answer, ['Connection', 'Upgrade', 'Upgrade', String(answer.headers.upgrade)]));
        client.write(first);
        server.write(head);
        client.pipe(server).pipe(client);
        client.once('close', () => server.destroy());
        server.once('close', () => client.destroy());
        resolve();
      });
      outgoing.on('error', reject);
      client.once('close', () => outgoing.destroy());
      outgoing.end();
    });
  }

  #request(options: RequestOptions, onAnswer: (answer: IncomingMessage) => void): ReturnType<typeof httpRequest> {
    const outgoing = (this.#server.protocol === 'http:' ? httpRequest : httpsRequest)(options, onAnswer);
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(
        () => outgoing.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })),
        connectMs,
      );
      const settled = (): void => clearTimeout(timer);
      socket.once('connect', settled).once('close', settled);
    });
    return outgoing;
  }

  async #options(path: string, request: IncomingMessage): Promise<RequestOptions> {
    const options: RequestOptions = {};
    await this.#o.target.applyToHTTPSOptions(options);
    const agent = options.agent as KeptAliveAgent | undefined;
    if (agent) {
      agent.keepAlive = true;
      this.#agents.add(agent);
    }
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined && !dropped.test(name)) headers[name] = value;
    }
    return {
      ...options,
      headers: { ...headers, ...loginHeaders(options), host: this.#server.host },
      method: request.method,
      host: this.#server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: this.#server.port || (this.#server.protocol === 'http:' ? 80 : 443),
      path,
    };
  }

  #fail(error: unknown, response: ServerResponse): void {
    this.#tell(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.writeHead(503, { 'content-type': 'application/json' });
    response.end(JSON.stringify(unreachableStatus(error)));
  }

  #tell(error: unknown): void {
    if (this.#reached) return;
    this.#reached = true;
    this.#o.onUnreachable?.(asError(error));
  }
}

/** Waits for the whole of an answer, and sends on what becomes of it. */
async function answerChanged(answer: IncomingMessage, response: ServerResponse, change: (body: object) => object): Promise<void> {
  const text = JSON.stringify(change((await json(answer)) as object));
  const type = answer.headers['content-type'];
  response.writeHead(200, { ...(type !== undefined && { 'content-type': type }), 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Tokens of files come with the end of their line. */
function loginHeaders({ headers }: RequestOptions): Record<string, string | string[]> {
  const entries = Object.entries((headers ?? {}) as Record<string, string | string[]>);
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'string' ? value.trim() : value]));
}

/** Not every error is an instance of this realm's class. */
function asError(error: unknown): Error {
  return typeof error === 'object' && error !== null && 'message' in error ? (error as Error) : new Error(String(error));
}

function unreachableStatus(error: unknown): object {
  const message = `the connection to the parent failed: ${asError(error).message}`;
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'ServiceUnavailable', code: 503 };
}

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (!/^(?:connection|keep-alive|transfer-encoding|upgrade)$/i.test(raw[at] ?? ''))
      kept.push(raw[at] ?? '', raw[at + 1] ?? '');
  }
  return kept;
}

function headOf(answer: IncomingMessage, extra: string[]): string {
  const headers = [...endToEnd(answer.rawHeaders), ...extra];
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  for (let at = 0; at + 1 < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1').toString('latin1');
}
