// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { ApiError, type Status } from './apiError.ts';
import { ConnectionError, errorCode, isTlsCode } from './connectionError.ts';
import { type Credentials } from './credentials.ts';
import { parseRetryAfter } from './retryPolicy.ts';
import { type Transport } from './transport.ts';
import { type StreamOpening, WatchStream } from './watchStream.ts';

/**
 * One change a watch reports. A BOOKMARK carries nothing but a resourceVersion to resume from.
 * An ERROR of the wire never arrives here: it is thrown as {@link ApiError}.
 */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

/** A watch as the transport runs it. */
export interface WatchRequest {
  /** Path with its query, `watch=1` included. */
  path: string;
  signal: AbortSignal;
  /** Silence after which the connection is taken for dead, in milliseconds. */
  stallMs: number;
  /** Time until the server must have answered at all, in milliseconds. */
  openMs: number;
}

/**
 * Runs one watch to its end. Ends without error when the server closes it, when it falls silent, on abort and on close
 * of the client; throws ApiError for a refusal or an ERROR event, ConnectionError when the connection breaks.
 */
export async function* runWatch<T extends KubeObject>(
  transport: Transport,
  request: WatchRequest,
  onOpen?: (status: number | 'error') => void,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const opener = new Opener(transport, request, onOpen);
  const stop = (): void => opener.stream?.abort();
  request.signal.addEventListener('abort', stop);
  transport.closeSignal.addEventListener('abort', stop);
  try {
    const stream = await opener.open();
    for await (const line of stream.lines()) yield parseEvent<T>(line);
  } catch (error) {
    if (request.signal.aborted || transport.isClosed) return;
    throw error instanceof ApiError ? error : asConnectionError(error, transport, request);
  } finally {
    request.signal.removeEventListener('abort', stop);
    transport.closeSignal.removeEventListener('abort', stop);
    opener.stream?.abort();
  }
}

/** Opens the stream of a watch, a second time with fresh credentials when the first ones were refused. */
class Opener {
  stream: WatchStream | undefined;
  readonly #transport: Transport;
  readonly #request: WatchRequest;
  readonly #onOpen: ((status: number | 'error') => void) | undefined;

  constructor(transport: Transport, request: WatchRequest, onOpen?: (status: number | 'error') => void) {
    this.#transport = transport;
    this.#request = request;
    this.#onOpen = onOpen;
  }

  async open(): Promise<WatchStream> {
    for (let mayRefresh = true; ; mayRefresh = false) {
      const { stream, opening, rejected } = await this.#try();
      if (opening instanceof Error) {
        if (mayRefresh && isTlsCode(errorCode(opening)) && (await this.#transport.refresh(rejected))) continue;
        this.#onOpen?.('error');
        throw opening;
      }
      if (opening.status === 401 && mayRefresh && (await this.#transport.refresh(rejected))) continue;
      this.#onOpen?.(opening.status);
      if (opening.status === 200) return stream;
      const retryAfterSeconds = parseRetryAfter(opening.headers['retry-after'], Date.now());
      const { server } = this.#transport;
      throw ApiError.fromResponse({ ...opening, method: 'GET', path: this.#request.path, server, retryAfterSeconds });
    }
  }

  async #try(): Promise<{ stream: WatchStream; opening: StreamOpening | Error; rejected: Credentials }> {
    const { signal, path, openMs, stallMs } = this.#request;
    const { dispatcher, credentials } = await this.#transport.lease(signal);
    const stream = new WatchStream();
    this.stream = stream;
    const options = this.#transport.options({ method: 'GET', path, headers: {}, timeoutMs: 0 }, credentials);
    dispatcher.dispatch({ ...options, headersTimeout: openMs, bodyTimeout: stallMs }, stream);
    const opening = await stream.opened.catch((error: Error) => error);
    return { stream, opening, rejected: credentials };
  }
}

function parseEvent<T extends KubeObject>(line: Buffer): WatchEvent<T> {
  const event = JSON.parse(line.toString('utf8')) as WatchEvent<T> | { type: 'ERROR'; object: Status };
  if (event.type === 'ERROR') throw ApiError.fromStatus(event.object);
  return event;
}

function asConnectionError(error: unknown, transport: Transport, request: WatchRequest): Error {
  if (error instanceof ConnectionError) return error;
  return new ConnectionError({
    server: transport.server,
    method: 'WATCH',
    path: request.path.split('?', 1)[0] ?? '',
    code: error instanceof SyntaxError ? 'INVALID_JSON' : errorCode(error),
    sent: true,
    cause: error,
  });
}
