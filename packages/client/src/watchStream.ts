// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingHttpHeaders } from 'node:http';
import { errors, type Dispatcher } from 'undici';
import { LineSplitter } from './lineSplitter.ts';

/** Lines that may wait for a slow consumer, in bytes, before the connection is no longer read. */
const highWaterBytes = 1024 * 1024;
/** How much of a refusal is kept. */
const maxRefusalBytes = 1024 * 1024;

/** How the opening of a stream ended: `open`, or refused with an answer. */
export interface StreamOpening {
  status: number;
  headers: IncomingHttpHeaders;
  /** Body of a refusal, empty when the stream is open. */
  body: string;
}

/**
 * A streamed answer as lines. Reads ahead at most a bounded number of bytes: a slow consumer slows the server down
 * instead of filling memory.
 */
export class WatchStream implements Dispatcher.DispatchHandler {
  /** Resolves when headers (and for a refusal the body) are there; rejects when the connection fails before. */
  readonly opened: Promise<StreamOpening>;
  #resolveOpened: (opening: StreamOpening) => void = () => undefined;
  #rejectOpened: (error: Error) => void = () => undefined;
  readonly #splitter = new LineSplitter();
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #refusal: Buffer[] = [];
  #lines: Buffer[] = [];
  #next = 0;
  #waiting = 0;
  #end: { error?: Error } | undefined;
  #wake: (() => void) | undefined;

  constructor() {
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    // A stream ended before anybody waits for its opening is no unhandled rejection.
    this.opened.catch(() => undefined);
  }

  /** Lines received and not yet taken. Ends without error when the server closes or goes silent, throws when the connection breaks. */
  async *lines(): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const line = this.#take();
      if (line) yield line;
      else if (!this.#end) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (this.#end.error) throw this.#end.error;
      else return;
    }
  }

  /** Ends the stream: what was received is dropped, `lines` returns, or throws `error` if there is one. */
  abort(error?: Error): void {
    this.#lines = [];
    this.#next = 0;
    this.#waiting = 0;
    this.#finish(error);
    this.#rejectOpened(error ?? new Error('the stream was ended'));
    this.#controller?.abort(error ?? new Error('the stream was ended'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#end) controller.abort(this.#end.error ?? new Error('the stream was ended'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (status === 200) this.#resolveOpened({ status, headers, body: '' });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#end) return;
    if (this.#status !== 200) {
      if (this.#refusal.reduce((sum, c) => sum + c.length, chunk.length) <= maxRefusalBytes) this.#refusal.push(chunk);
      return;
    }
    for (const line of this.#splitter.push(chunk)) {
      this.#lines.push(line);
      this.#waiting += line.length;
    }
    if (this.#waiting > highWaterBytes && !controller.paused) controller.pause();
    this.#wakeUp();
  }

  onResponseEnd(): void {
    if (this.#status === 200) {
      const rest = this.#splitter.rest();
      if (rest.length > 0) this.#lines.push(rest);
    } else {
      this.#resolveOpened({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#refusal).toString('utf8') });
    }
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#rejectOpened(error);
    // Silence for the time the caller allowed: the connection is stalled, and the watch over as if the server had closed it.
    this.#finish(error instanceof errors.BodyTimeoutError ? undefined : error);
  }

  #take(): Buffer | undefined {
    const line = this.#lines[this.#next];
    if (!line) return undefined;
    this.#next += 1;
    this.#waiting -= line.length;
    if (this.#next === this.#lines.length) {
      this.#lines = [];
      this.#next = 0;
    }
    if (this.#controller?.paused && this.#waiting < highWaterBytes / 2) this.#controller.resume();
    return line;
  }

  #finish(error?: Error): void {
    this.#end ??= { error };
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
