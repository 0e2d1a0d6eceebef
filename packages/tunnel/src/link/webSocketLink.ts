// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { framePool } from '../protocol/framePool.ts';
import type { Link, LinkHandler } from './link.ts';

/** Frames that may come before somebody listens: the hello, and no more than a hello. */
const maxEarlyFrames = 2;

/** How long the end of a connection may take before the socket is torn down, in milliseconds. */
export const closeTimeoutMs = 2000;

/** Each frame is one message: binary, whole, as it is. */
const messageOptions = { binary: true, compress: false };

/** A {@link Link} over the WebSocket of a socket.io connection. */
export class WebSocketLink implements Link {
  readonly id: string;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex & { readonly bytesRead?: number };
  readonly #onDrain = (): void => this.#handler?.onDrain();
  #handler: LinkHandler | undefined;
  #early: Buffer[] = [];
  #closed: string | undefined;
  #bytesRead = 0;

  /** @param socket - the connection below the WebSocket; its buffer is what decides when to send */
  constructor(id: string, webSocket: WebSocket, socket: Duplex) {
    this.id = id;
    this.#webSocket = webSocket;
    this.#socket = socket;
    socket.on('drain', this.#onDrain);
  }

  get handler(): LinkHandler | undefined {
    return this.#handler;
  }

  set handler(handler: LinkHandler | undefined) {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const frame of early) handler?.onFrame(frame);
    if (this.#closed !== undefined) handler?.onClose(this.#closed);
  }

  get writable(): boolean {
    return this.#closed === undefined && !this.#socket.writableNeedDrain;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead ?? this.#bytesRead;
  }

  send(frame: Buffer): void {
    if (this.#closed === undefined && this.#webSocket.readyState === this.#webSocket.OPEN) {
      if (framePool.wants(frame)) this.#webSocket.send(frame, messageOptions, (error) => error ?? framePool.give(frame));
      else this.#webSocket.send(frame, messageOptions);
    }
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  close(options: { now?: boolean } = {}): void {
    if (options.now) this.#socket.destroy();
    else this.#webSocket.close();
  }

  /** A message came. */
  receive(frame: Buffer): void {
    this.#bytesRead += frame.length;
    if (this.#handler) this.#handler.onFrame(frame);
    else if (this.#early.length < maxEarlyFrames) this.#early.push(frame);
    else this.close({ now: true });
  }

  /** The connection is gone. */
  ended(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#socket.off('drain', this.#onDrain);
    this.#handler?.onClose(reason);
  }
}
