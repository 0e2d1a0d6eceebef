// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { type Dispatcher } from 'undici';
import { answerHeaders, type HeaderList } from './headers.ts';

/** A request as it goes on. */
export interface ForwardOptions {
  dispatcher: Dispatcher;
  /** Escaped path and query. */
  path: string;
  headers: HeaderList;
  signal: AbortSignal;
  /** From here on, the target may have seen something of the request. */
  onSend?: () => void;
  /** The answer's head has come. */
  onAnswer?: (status: number) => void;
}

/**
 * Passes a request on and its answer back, both as they come; whoever is slow slows the other end down.
 *
 * @throws what went wrong while nothing of the answer had been passed on; later, the caller's connection is cut, so that nobody takes
 * the answer for complete
 */
export async function forward(request: IncomingMessage, response: ServerResponse, o: ForwardOptions): Promise<void> {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  const hasBody = length !== '0' || encoding !== undefined;
  const attempt = (): Promise<'done' | Error> => new Exchange(request, response, o).run(hasBody);
  let result = await attempt();
  // A kept connection may end at the very moment it is used. What has no body and changes nothing is asked once more.
  const { method = '' } = request;
  if (result !== 'done' && !hasBody && ['GET', 'HEAD'].includes(method) && isStaleConnection(result)) result = await attempt();
  if (result !== 'done') throw result;
}

function isStaleConnection(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: ForwardOptions;
  readonly #outcome = Promise.withResolvers<'done' | Error>();
  #controller: Dispatcher.DispatchController | undefined;
  #begun = false;
  #written = false;

  constructor(request: IncomingMessage, response: ServerResponse, options: ForwardOptions) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
  }

  async run(hasBody: boolean): Promise<'done' | Error> {
    const { dispatcher, path, headers, signal } = this.#options;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#response.on('drain', this.#onDrain);
    // Not the request itself: a target that answers early makes undici destroy the body, and the caller's connection would go with it.
    const body = hasBody ? this.#request.pipe(new PassThrough()) : undefined;
    try {
      signal.throwIfAborted();
      dispatcher.dispatch({ origin: 'http://child', method: this.#request.method as 'GET', path, headers, body }, this);
      return await this.#outcome.promise;
    } catch (error) {
      return error as Error;
    } finally {
      signal.removeEventListener('abort', this.#onAbort);
      this.#response.off('drain', this.#onDrain);
      body?.destroy();
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#options.onSend?.();
    if (this.#options.signal.aborted) this.#onAbort();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, message?: string): void {
    if (status < 200) return;
    this.#begun = true;
    const headers = answerHeaders(listOf(controller.rawHeaders));
    for (let at = 0; at + 1 < headers.length; at += 2) this.#response.appendHeader(headers[at] ?? '', headers[at + 1] ?? '');
    if (message) this.#response.statusMessage = message;
    this.#response.writeHead(status);
    this.#options.onAnswer?.(status);
    // The head of a watch goes out at once; a short answer's together with its body.
    setImmediate(() => {
      if (!this.#written && !this.#response.destroyed) this.#response.flushHeaders();
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#written = true;
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#written = true;
    this.#response.end();
    this.#outcome.resolve('done');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#begun) {
      this.#outcome.resolve(error);
      return;
    }
    this.#response.destroy();
    this.#outcome.resolve('done');
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#options.signal as { reason: Error };
    if (this.#controller) this.#controller.abort(reason);
    else this.#outcome.resolve(reason);
  };

  readonly #onDrain = (): void => this.#controller?.resume();
}

/** Header bytes as Latin-1, which is how Node writes them again. */
function listOf(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1')));
}
