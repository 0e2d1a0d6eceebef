// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type IncomingHttpHeaders } from 'node:http';
import { type Dispatcher } from 'undici';

const gunzipAsync = promisify(gunzip);
/** Longest answer taken, compressed or not: what one JavaScript string holds. */
const maxBodyBytes = 512 * 1024 * 1024;

/** A complete HTTP answer. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A failed exchange; `sent` is false when it is certain that the request did not reach the server. */
export interface ExchangeFailure {
  error: Error;
  sent: boolean;
}

/** Runs one request on a dispatcher; resolves with the answer whatever its status, rejects with an {@link ExchangeFailure}. */
export function exchange(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions, abort: AbortHook): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const handler = new ExchangeHandler(resolve, reject);
    abort.onAbort = (reason) => handler.abort(reason);
    try {
      dispatcher.dispatch(options, handler);
    } catch (error) {
      handler.fail(error as Error);
    }
  });
}

/** Ends an exchange from outside: {@link exchange} puts its own function in place. Cheaper than an AbortSignal per try. */
export interface AbortHook {
  onAbort: ((reason: Error) => void) | undefined;
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (failure: ExchangeFailure) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #settled: Error | true | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(resolve: (answer: HttpAnswer) => void, reject: (failure: ExchangeFailure) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  abort(reason: Error): void {
    if (this.#settled) return;
    this.fail(reason);
    this.#controller?.abort(reason);
  }

  fail(error: Error): void {
    if (this.#settled) return;
    this.#settled = error;
    this.#reject({ error, sent: this.#controller !== undefined });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled instanceof Error) controller.abort(this.#settled);
    else this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > maxBodyBytes)
      this.abort(new Error(`the answer is longer than ${maxBodyBytes} bytes: ask for pages with limit`));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    const bytes = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks, this.#bytes);
    if (this.#headers['content-encoding'] === 'gzip') {
      gunzipAsync(bytes, { maxOutputLength: maxBodyBytes }).then(
        (plain) => this.#finish(plain),
        (error: Error) => this.fail(error),
      );
    } else this.#finish(bytes);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  #finish(bytes: Buffer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#resolve({ status: this.#status, headers: this.#headers, body: bytes.toString('utf8') });
  }
}
