// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Dispatcher } from 'undici';
import { ConnectionManager } from './connections.ts';
import { ClientClosedError, ConnectionError, errorCode, isTlsCode } from './connectionError.ts';
import { type Credentials, type CredentialSource, type HeaderValues, type TlsMaterial } from './credentials.ts';
import { type Dial } from './dial.ts';
import { type AbortHook, exchange, type ExchangeFailure, type HttpAnswer } from './exchange.ts';
import { delayAfterError, delayAfterStatus, parseRetryAfter } from './retryPolicy.ts';
import { type TokenBucket } from './tokenBucket.ts';

/** A request as the transport sends it: the path holds the query, the body is encoded. */
export interface TransportRequest {
  method: string;
  path: string;
  headers: HeaderValues;
  body?: string;
  signal?: AbortSignal;
  timeoutMs: number;
}

/** A dispatcher with credentials on it, for streams that the caller runs itself. */
export interface StreamLease {
  dispatcher: Dispatcher;
  credentials: Credentials;
}

/**
 * Sends requests to one server: rate limit, credentials, kept-alive connections, time-outs and repetition.
 * Answers of any status are returned; throws {@link ConnectionError}, {@link ClientClosedError} or the signal's reason.
 */
export class Transport {
  readonly server: string;
  readonly #origin: string;
  readonly #basePath: string;
  readonly #source: CredentialSource;
  readonly #bucket: TokenBucket | undefined;
  readonly #userAgent: string;
  readonly #connections: ConnectionManager;
  readonly #closed = new AbortController();
  readonly #active = new Set<(reason: Error) => void>();

  /** Called after the certificates in use have changed; must not throw. */
  onTlsReplaced?: () => void;

  constructor(o: { server: string; source: CredentialSource; userAgent: string; bucket?: TokenBucket; dial?: Dial }) {
    const url = new URL(o.server);
    this.#origin = url.origin;
    this.#basePath = url.pathname.replace(/\/+$/, '');
    this.server = url.origin + this.#basePath;
    this.#source = o.source;
    this.#bucket = o.bucket;
    this.#userAgent = o.userAgent;
    this.#connections = new ConnectionManager(url.origin, { dial: o.dial, onReplaced: () => this.onTlsReplaced?.() });
  }

  /** What the connections in use were made with; undefined before the first. */
  get tls(): TlsMaterial | undefined {
    return this.#connections.tls;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Runs a request to its end, repeating it where that is safe and promises success. */
  async send(request: TransportRequest): Promise<HttpAnswer> {
    const call = new Call(request, this.server);
    this.#active.add(call.abort);
    try {
      this.#throwIfClosed();
      call.start();
      await this.#waitForTurn(call);
      call.startClock();
      return await this.#attempts(request, call);
    } finally {
      this.#active.delete(call.abort);
      call.end();
    }
  }

  /** Takes a turn of the rate limit and hands out what a watch needs. */
  async lease(signal: AbortSignal): Promise<StreamLease> {
    const call = new Call({ method: 'GET', path: '', headers: {}, signal, timeoutMs: 0 }, this.server);
    this.#active.add(call.abort);
    try {
      this.#throwIfClosed();
      call.start();
      await this.#waitForTurn(call);
      const credentials = await this.#source.current();
      return { dispatcher: this.#connections.get(credentials.tls).watches, credentials };
    } finally {
      this.#active.delete(call.abort);
      call.end();
    }
  }

  /** Reads the credentials again after `rejected` was refused; tells whether they changed. */
  refresh(rejected: Credentials): Promise<boolean> {
    return this.#source.refresh(rejected);
  }

  /** What goes to undici for a request: server path, credentials and headers put together. */
  options(request: TransportRequest, credentials: Credentials): Dispatcher.DispatchOptions {
    return {
      origin: this.#origin,
      method: request.method,
      path: this.#basePath + request.path,
      headers: { accept: 'application/json', 'user-agent': this.#userAgent, ...request.headers, ...credentials.headers },
      body: request.body,
    };
  }

  /** Ends everything under way with {@link ClientClosedError}; later requests fail with it. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    const error = new ClientClosedError(this.server);
    this.#closed.abort(error);
    for (const abort of [...this.#active]) abort(error);
    await this.#connections.destroy(error);
  }

  /** Aborted with {@link ClientClosedError} by close(). */
  get closeSignal(): AbortSignal {
    return this.#closed.signal;
  }

  async #attempts(request: TransportRequest, call: Call): Promise<HttpAnswer> {
    let refreshed = false;
    for (let attempt = 1; ; attempt++) {
      const retry = { attempt, method: request.method, contentType: contentType(request), random: Math.random() };
      const credentials = await this.#source.current();
      call.throwIfAborted();
      let delay: number | undefined;
      try {
        const answer = await exchange(this.#connections.get(credentials.tls).requests, this.options(request, credentials), call);
        if (answer.status === 401 && !refreshed) {
          refreshed = true;
          if (await this.#source.refresh(credentials)) continue;
        }
        delay = delayAfterStatus(answer.status, parseRetryAfter(answer.headers['retry-after'], Date.now()), retry);
        if (delay === undefined || !call.hasTimeFor(delay)) return answer;
      } catch (thrown) {
        const failure = asFailure(thrown);
        call.throwIfAborted();
        if (!refreshed && isTlsCode(errorCode(failure.error))) {
          refreshed = true;
          if (await this.#source.refresh(credentials)) continue;
        }
        delay = delayAfterError(failure.error, failure.sent, retry);
        if (delay === undefined || !call.hasTimeFor(delay)) throw this.#wrap(failure, request);
      }
      await call.sleep(delay);
    }
  }

  async #waitForTurn(call: Call): Promise<void> {
    const wait = this.#bucket?.reserve() ?? 0;
    if (wait === 0) return;
    try {
      await call.sleep(wait);
    } catch (error) {
      this.#bucket?.cancel();
      throw error;
    }
  }

  #throwIfClosed(): void {
    if (this.isClosed) throw this.#closed.signal.reason;
  }

  #wrap({ error, sent }: ExchangeFailure, request: TransportRequest): ConnectionError {
    const code = errorCode(error);
    return new ConnectionError({
      server: this.server,
      method: request.method,
      path: pathOnly(request.path),
      code,
      sent,
      detail: code === 'UNKNOWN' ? error.message : undefined,
      cause: error,
    });
  }
}

/** One call with its clock and its reasons to stop, over all its tries. */
class Call implements AbortHook {
  onAbort: ((reason: Error) => void) | undefined;
  readonly #request: TransportRequest;
  readonly #server: string;
  #reason: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #deadline = Infinity;

  constructor(request: TransportRequest, server: string) {
    this.#request = request;
    this.#server = server;
  }

  start(): void {
    const { signal } = this.#request;
    if (!signal) return;
    if (signal.aborted) this.abort(reasonOf(signal));
    else signal.addEventListener('abort', this.#onSignal);
    this.throwIfAborted();
  }

  /** The time limit begins when the rate limit lets the request go. */
  startClock(): void {
    const { timeoutMs } = this.#request;
    if (!(timeoutMs > 0 && timeoutMs < 2 ** 31)) return;
    this.#deadline = performance.now() + timeoutMs;
    this.#timer = setTimeout(this.#onTimeout, timeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onSignal);
  }

  readonly abort = (reason: Error): void => {
    this.#reason ??= reason;
    this.onAbort?.(this.#reason);
  };

  throwIfAborted(): void {
    const { signal } = this.#request;
    // A signal may know by the clock that it is over before its event comes: that of a leader whose process was stopped for a while.
    if (signal?.aborted) this.abort(reasonOf(signal));
    if (this.#reason) throw this.#reason;
  }

  hasTimeFor(delayMs: number): boolean {
    return performance.now() + delayMs < this.#deadline;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.throwIfAborted();
      const timer = setTimeout(resolve, ms);
      this.onAbort = (reason) => {
        clearTimeout(timer);
        reject(reason);
      };
    });
  }

  readonly #onSignal = (): void => {
    if (this.#request.signal) this.abort(reasonOf(this.#request.signal));
  };

  readonly #onTimeout = (): void => {
    const { method, path, timeoutMs } = this.#request;
    this.abort(
      new ConnectionError({
        server: this.#server,
        method,
        path: pathOnly(path),
        code: 'TIMEOUT',
        sent: true,
        detail: `waited ${timeoutMs / 1000} s`,
      }),
    );
  };
}

/** Whatever failed before the exchange (credentials, TLS material) was not sent. */
function asFailure(thrown: unknown): ExchangeFailure {
  return 'sent' in (thrown as object) ? (thrown as ExchangeFailure) : { error: thrown as Error, sent: false };
}

/** Signals are commonly aborted with an error, but anything is allowed. */
function reasonOf({ reason }: AbortSignal): Error {
  if (typeof reason === 'object' && reason !== null && 'message' in reason) return reason as Error;
  return new Error('the request was aborted', { cause: reason });
}

function pathOnly(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

function contentType({ headers }: TransportRequest): string | undefined {
  const value = headers['content-type'];
  return Array.isArray(value) ? value[0] : value;
}
