// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { constants, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type SecureContextOptions } from 'node:tls';
import { type Express } from 'express';
import { type Health, type Logger, type Metrics, toError } from '@clusternet/runtime';
import { type Gate, type Passage } from './gate.ts';
import { auditIdHeader, writeRawStatus, writeStatus } from './request/answers.ts';
import { requestMetrics, type RequestMetrics } from './request/requestMetrics.ts';
import { StatusError } from './request/statusError.ts';
import { toStatusError } from './request/toStatusError.ts';
import { type Registry } from './registry.ts';
import { routes } from './routes.ts';

/** Options of {@link HttpServer}. */
export interface HttpServerOptions {
  config: {
    securePort: number;
    bindAddress: string;
    requestTimeout: number;
    shutdownDelayDuration: number;
    tlsCurvePreferences: string[];
  };
  gate: Gate;
  registry: Registry;
  logger: Logger;
  metrics: Metrics;
  health: Health;
  version: string;
}

/** Extras of an identity may bring a token, a certificate and a key. */
const maxHeaderSize = 64 * 1024;
const headersTimeoutMs = 10_000;
const handshakeTimeoutMs = 10_000;
/** Longer than the 90 s after which kube-apiserver lets go of an idle connection, so that none ends just as it is used. */
const keepAliveTimeoutMs = 120_000;
const maxConnections = 20_000;
const dropRestMs = 3_000;
const shortDrainMs = 10_000;
const longDrainMs = 5_000;
/** Reasons of aborts; made once, as their stacks say nothing. */
const ended = new Error('the connection of the request has ended');
const stopping = new Error('the server is stopping');

/** One request under way. What came with it is not held on to: of a connection that was upgraded it would stay for as long as that lives. */
interface Running {
  passage: Passage;
  /** Who makes it, once that is known. */
  user?: string;
  auditId: string;
  startedMs: number;
  abort: AbortController;
}

/**
 * The listener: HTTP/1.1 over TLS. kube-apiserver speaks HTTP/1.1 to whom does not offer more, upgrades need it, and HTTP/2's attacks on
 * servers (rapid reset, stream floods) do not exist in it.
 */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #logger: Logger;
  readonly #metrics: RequestMetrics;
  readonly #app: Express;
  readonly #running = new Set<Running>();
  readonly #byRequest = new WeakMap<IncomingMessage, Running>();
  readonly #upgraded = new Set<Duplex>();
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  #server: Server | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { logger, metrics, gate, registry, health, version } = options;
    this.#logger = logger;
    this.#metrics = requestMetrics(metrics, () => ({ ...gate.inFlight(), upgraded: this.#upgraded.size }));
    this.#app = routes({
      registry,
      health,
      metrics,
      version,
      onError: (error: unknown, request, response, _next) => this.#fail(error, request, response),
    });
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? 0;
  }

  /** @throws an Error that says which address is taken */
  async listen(secure: SecureContextOptions): Promise<void> {
    const { securePort, bindAddress } = this.#options.config;
    const server = createServer({
      ...this.#tlsOptions(secure),
      requestCert: true,
      // Most callers have none. Whether one is good, and good for what, is decided for each request.
      rejectUnauthorized: false,
      // Asked, not told: Node copies a list for each connection into its pool of buffers, where an idle one holds a page of it.
      ALPNCallback: ({ protocols }) => protocols.find((protocol) => protocol === 'http/1.1'),
      handshakeTimeout: handshakeTimeoutMs,
      headersTimeout: headersTimeoutMs,
      // Bodies of short requests end with their deadline; streams may last.
      requestTimeout: 0,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize,
      insecureHTTPParser: false,
      // Answered by the gate, as all errors with a Status.
      requireHostHeader: false,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      noDelay: true,
    });
    server.maxConnections = maxConnections;
    server.on('request', (request, response) => void this.#serve(request, response, false));
    server.on('checkContinue', (request, response) => void this.#serve(request, response, true));
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    server.on('connect', (_request, socket) => {
      socket.on('error', () => undefined);
      writeRawStatus(socket, new StatusError(405, 'CONNECT is not served here'));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#malformed(error, socket));
    server.on('tlsClientError', (error) => this.#logger.debug('a TLS handshake failed', { error }));
    server.listen(securePort, bindAddress);
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new Error(`cannot listen on ${bindAddress}:${securePort}; choose another --secure-port`, { cause });
    }
    server.on('error', (error) => this.#logger.warn('the API server had an error', { error }));
    this.#server = server;
  }

  /** For new connections; those that exist go on as they are. */
  setSecureContext(secure: SecureContextOptions): void {
    this.#server?.setSecureContext(this.#tlsOptions(secure));
  }

  #tlsOptions(secure: SecureContextOptions): SecureContextOptions {
    const { SSL_OP_NO_TICKET, SSL_OP_NO_RENEGOTIATION } = constants;
    return {
      ...secure,
      minVersion: 'TLSv1.2',
      // OpenSSL keeps the other end's half of the exchange for as long as the connection lives, and most of ours live long.
      ecdhCurve: this.#options.config.tlsCurvePreferences.join(':'),
      // A resumed session would bring along what was thought of its certificate before a rotation.
      secureOptions: SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    if (this.#options.config.shutdownDelayDuration > 0) await delay(this.#options.config.shutdownDelayDuration);
    const closed = new Promise((resolve) => server.close(resolve));
    // Watches and streams first: their clients are to come back elsewhere while the short requests still get their answers.
    for (const { passage, abort } of this.#running) {
      if (passage.requestClass !== 'short') abort.abort(stopping);
    }
    await this.#drained(({ requestClass }) => requestClass === 'short', shortDrainMs);
    await this.#drained(() => true, longDrainMs);
    for (const { abort } of this.#running) abort.abort(stopping);
    for (const socket of this.#upgraded) socket.destroy();
    server.closeAllConnections();
    await closed;
  }

  async #drained(which: (passage: Passage) => boolean, withinMs: number): Promise<void> {
    const end = performance.now() + withinMs;
    while ([...this.#running].some(({ passage }) => which(passage)) && performance.now() < end) await delay(20);
  }

  async #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    const running = this.#begin(request, false);
    const { passage, auditId, abort } = running;
    this.#answers.set(request.socket, response);
    response.setHeader(auditIdHeader, auditId);
    let cancelDeadline: (() => void) | undefined;
    response.on('close', () => {
      cancelDeadline?.();
      this.#end(running, response.writableFinished ? response.statusCode : 499);
    });
    try {
      if (this.#closing) response.setHeader('Connection', 'close');
      await this.#pass(request, running);
      if (passage.requestClass === 'short') cancelDeadline = this.#deadline(request, response);
      if (abort.signal.aborted) return;
      if (expectsContinue) response.writeContinue();
      // What follows routes by the checked path; an absolute URL has lost its host here.
      request.url = urlOf(passage);
      const { info } = passage;
      const handlers = info?.isResource ? this.#options.registry.handlersOf(info) : undefined;
      if (handlers) await handlers.handler(request, response);
      else this.#app(request, response);
    } catch (error) {
      this.#fail(error, request, response);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Its end is all that matters of a broken connection; without a listener it would end the process.
    socket.on('error', () => undefined);
    const running = this.#begin(request, true);
    const { auditId, passage } = running;
    let code = 101;
    this.#upgraded.add(socket);
    socket.on('close', () => {
      this.#upgraded.delete(socket);
      this.#end(running, code);
    });
    const before = bytesWritten(socket);
    try {
      if (this.#closing) throw new StatusError(503, 'the server is stopping; try again', { retryAfterSeconds: 1 });
      await this.#pass(request, running);
      const handler = passage.info?.isResource ? this.#options.registry.handlersOf(passage.info)?.upgrade : undefined;
      if (!handler) throw new StatusError(400, 'connections are not upgraded at this path');
      if (socket.destroyed) return;
      request.url = urlOf(passage);
      passage.target = undefined;
      await handler(request, socket, head);
    } catch (error) {
      const status = this.#report(error, running);
      code = status.code;
      if (bytesWritten(socket) === before) writeRawStatus(socket, status, auditId);
      else socket.destroy();
    }
  }

  #begin(request: IncomingMessage, upgrade: boolean): Running {
    const passage: Passage = { upgrade, requestClass: upgrade ? 'long' : 'short' };
    const running: Running = { passage, auditId: auditIdOf(request), startedMs: performance.now(), abort: new AbortController() };
    this.#running.add(running);
    this.#byRequest.set(request, running);
    return running;
  }

  async #pass(request: IncomingMessage, running: Running): Promise<void> {
    const { passage, auditId, abort } = running;
    const { user, secretExtras } = await this.#options.gate.pass(request, passage);
    const { info, target } = passage;
    if (!info || !target) throw new Error('the gate let a request pass unread');
    running.user = user.name;
    request.kube = { user, secretExtras, info, ...target, auditId, signal: abort.signal };
  }

  #end(running: Running, code: number): void {
    const { passage, auditId, startedMs, abort, user } = running;
    if (!this.#running.delete(running)) return;
    passage.slot?.release();
    if (code === 499 || passage.upgrade) abort.abort(ended);
    const { info, requestClass } = passage;
    const seconds = (performance.now() - startedMs) / 1000;
    const known = info?.isResource === true && this.#options.registry.find(info) !== undefined;
    this.#metrics.finished({ info, requestClass, known, code, seconds });
    if (this.#logger.isEnabled('debug')) {
      this.#logger.debug('request', { auditId, verb: info?.verb, path: info?.path, user, code, seconds });
    }
  }

  #deadline(request: IncomingMessage, response: ServerResponse): () => void {
    const timer = setTimeout(() => {
      this.#fail(
        new StatusError(504, 'the request did not complete in time; try again', { retryAfterSeconds: 1 }),
        request,
        response,
      );
    }, this.#options.config.requestTimeout);
    return () => clearTimeout(timer);
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const running = this.#byRequest.get(request);
    const status = this.#report(error, running);
    if (!response.headersSent) {
      // After a request that could be read in two ways, nobody knows where the next one begins.
      if (!running?.passage.info) response.setHeader('Connection', 'close');
      else if (!request.complete) dropRest(request);
    }
    writeStatus(response, status);
  }

  #report(error: unknown, running: Running | undefined): StatusError {
    const status = toStatusError(error);
    if (status.code >= 500) {
      const { info } = running?.passage ?? {};
      const fields = { auditId: running?.auditId, verb: info?.verb, path: info?.path, error: toError(status.cause ?? status) };
      this.#logger.warn('a request failed', fields);
    }
    return status;
  }

  /** What came is not HTTP, too large, or too slow. */
  #malformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    const answer = this.#answers.get(socket);
    const begun = answer?.headersSent === true && !answer.writableFinished;
    if (error.code === 'ECONNRESET' || begun || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#logger.debug('a connection sent something that is not a request', { code: error.code });
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      writeRawStatus(socket, new StatusError(408, 'the head of the request did not arrive in time'));
      return;
    }
    const large = error.code === 'HPE_HEADER_OVERFLOW';
    writeRawStatus(
      socket,
      new StatusError(400, large ? 'the headers of the request are too large' : 'the request is not valid HTTP/1.1'),
    );
  }
}

/** The id that kube-apiserver has given a request goes on, so that both logs can be read together. */
function auditIdOf(request: IncomingMessage): string {
  const given = request.headers[auditIdHeader.toLowerCase()];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

function urlOf({ target }: Passage): string {
  const { rawPath = '/', rawQuery = '' } = target ?? {};
  return rawQuery === '' ? rawPath : `${rawPath}?${rawQuery}`;
}

function bytesWritten(socket: Duplex): number {
  return 'bytesWritten' in socket && typeof socket.bytesWritten === 'number' ? socket.bytesWritten : 0;
}

/**
 * Receives what is left of a body that nobody reads any more, for a while only.
 *
 * @remarks To end the connection at once would reset it under a caller that still sends, and the reset can overtake the answer: of a
 * refused object kube-apiserver would say no more than that it could not reach us.
 */
function dropRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), dropRestMs);
  request.on('close', () => clearTimeout(timer)).resume();
}
