// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Duplex } from 'node:stream';
import { codeOf, ProtocolError, StreamResetError } from '../errors.ts';
import { allocateFrame, bareFrame, errorFrame, FrameType, headerBytes, maxCredit, numberFrame } from '../protocol/frame.ts';
import { ByteQueue } from './byteQueue.ts';
import type { Source } from './outbox.ts';

/** What a stream needs from its tunnel. */
export interface StreamHost {
  /** Sends a frame ahead of all data. */
  control(frame: Buffer): void;
  /** The stream has become sendable. */
  ready(stream: TunnelStream): void;
  /** The stream is over; its id means nothing any more. */
  release(stream: TunnelStream): void;
}

/** Both windows of a new stream. */
export interface Windows {
  /** What the other end lets us send at first. */
  credit: number;
  /** What we let the other end send at first. */
  initial: number;
  /** What that may grow to. */
  max: number;
}

type WriteCallback = (error?: Error | null) => void;

const nothing = (): void => {};

/**
 * One byte stream through a tunnel. Ends are passed on one direction at a time; `destroy(error)` resets the stream, and the
 * other end gets the error's code and message. A failed stream without an 'error' listener just closes: one stream's fate
 * must not end the process.
 */
export class TunnelStream extends Duplex implements Source {
  readonly streamId: number;
  readonly #host: StreamHost;

  // Sending.
  #credit: number;
  #chunks: Buffer[] = [];
  #offset = 0;
  #pending = 0;
  #written: WriteCallback | undefined;
  #finished: WriteCallback | undefined;
  #endSent = false;
  ahead = 0;

  // Receiving.
  readonly #queue = new ByteQueue();
  readonly #maxWindow: number;
  #window: number;
  /** What the other end may still send. */
  #allowance: number;
  /** Bytes that the reader has taken and that were not given back as credit yet. */
  #consumed = 0;
  /** Bytes handed to the readable side which its reader has not taken yet. */
  #handed = 0;
  #wanted = false;
  #endReceived = false;
  #over = false;

  constructor(host: StreamHost, id: number, windows: Windows) {
    // The readable side keeps one piece only: what waits is kept, counted and packed here.
    super({ allowHalfOpen: true, readableHighWaterMark: 1, writableHighWaterMark: 64 * 1024, decodeStrings: true });
    this.streamId = id;
    this.#host = host;
    this.#credit = windows.credit;
    this.#window = windows.initial;
    this.#allowance = windows.initial;
    this.#maxWindow = windows.max;
    this.on('error', nothing);
  }

  get sendable(): number {
    if (this.#over) return 0;
    const bytes = Math.min(this.#credit, this.#pending);
    return bytes === 0 && this.#pending === 0 && this.#finished ? 1 : bytes;
  }

  nextFrame(maxFrame: number): Buffer {
    const length = Math.min(this.#credit, this.#pending, maxFrame - headerBytes);
    if (length === 0) return this.#takeEnd();
    const frame = allocateFrame(FrameType.data, this.streamId, length);
    let filled = 0;
    while (filled < length) {
      const chunk = this.#chunks[0] as Buffer;
      const copied = chunk.copy(frame, headerBytes + filled, this.#offset, this.#offset + length - filled);
      filled += copied;
      this.#offset += copied;
      if (this.#offset === chunk.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
    }
    this.#credit -= length;
    this.#pending -= length;
    if (this.#pending === 0) {
      const written = this.#written;
      this.#written = undefined;
      written?.();
    }
    return frame;
  }

  /** The other end sent bytes. @throws ProtocolError when it must not */
  onData(bytes: Buffer): void {
    if (bytes.length === 0) throw new ProtocolError('a data frame without data');
    if (this.#endReceived) throw new ProtocolError('data after the end of the stream');
    if (bytes.length > this.#allowance) throw new ProtocolError('data beyond the credit given');
    this.#allowance -= bytes.length;
    if (this.#wanted && this.#queue.bytes === 0) this.#hand(bytes);
    else this.#queue.push(bytes);
  }

  /** The other end gave credit. @throws ProtocolError when it adds up to more than a window can be */
  onCredit(bytes: number): void {
    if (this.#credit + bytes > maxCredit) throw new ProtocolError('more credit than a window can have');
    this.#credit += bytes;
    if (this.#pending > 0) this.#host.ready(this);
  }

  /** The other end will send no more. @throws ProtocolError the second time */
  onEnd(): void {
    if (this.#endReceived) throw new ProtocolError('a second end of the stream');
    this.#endReceived = true;
    if (this.#wanted && this.#queue.bytes === 0) this.push(null);
  }

  /** The other end gave the stream up. */
  onReset(error: { code: string; message: string }): void {
    this.#over = true;
    const reason = new StreamResetError(error.code || 'ECONNRESET', error.message || 'the other end reset the stream');
    // What was sent whole before the reset, such as an answer to a request cut short, is still worth reading.
    if (this.#endReceived && !this.readableEnded) this.once('end', () => this.destroy(reason));
    else this.destroy(reason);
  }

  /** The tunnel is gone: nothing can be told to the other end. */
  onTunnelEnd(error: Error): void {
    this.#over = true;
    this.destroy(error);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    if (chunk.length === 0) return callback();
    this.#chunks.push(chunk);
    this.#pending = chunk.length;
    this.#written = callback;
    this.#host.ready(this);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: WriteCallback): void {
    for (const { chunk } of chunks) {
      if (chunk.length === 0) continue;
      this.#chunks.push(chunk);
      this.#pending += chunk.length;
    }
    if (this.#pending === 0) return callback();
    this.#written = callback;
    this.#host.ready(this);
  }

  override _final(callback: WriteCallback): void {
    this.#finished = callback;
    this.#host.ready(this);
  }

  override _read(): void {
    this.#wanted = true;
    this.#consume(this.#handed);
    this.#handed = 0;
    while (this.#wanted && this.#queue.bytes > 0) this.#hand(this.#queue.shift() as Buffer);
    if (this.#wanted && this.#endReceived) this.push(null);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const complete = this.#over || (this.#endSent && this.#endReceived);
    this.#over = true;
    if (!complete) {
      const reason = error
        ? { code: codeOf(error, 'ECONNRESET'), message: error.message }
        : { code: 'ECONNRESET', message: 'the other end closed the stream' };
      this.#host.control(errorFrame(FrameType.reset, this.streamId, reason));
    }
    this.#queue.clear();
    this.#chunks = [];
    this.#pending = 0;
    const waiting = [this.#written, this.#finished];
    this.#written = this.#finished = undefined;
    this.#host.release(this);
    callback(error);
    for (const done of waiting) done?.(error ?? new StreamResetError('ECONNRESET', 'the stream was destroyed'));
  }

  #takeEnd(): Buffer {
    this.#endSent = true;
    const finished = this.#finished;
    this.#finished = undefined;
    finished?.();
    return bareFrame(FrameType.end, this.streamId);
  }

  #hand(bytes: Buffer): void {
    // A reader that flows has it before push returns; else it is taken when _read is called again.
    this.#wanted = this.push(bytes);
    if (this.#wanted) this.#consume(bytes.length);
    else this.#handed += bytes.length;
  }

  #consume(bytes: number): void {
    if (bytes === 0 || this.#endReceived || this.#over) return;
    this.#consumed += bytes;
    if (this.#consumed * 2 < this.#window) return;
    // A stream that is read from earns a larger window.
    const growth = Math.min(this.#window, this.#maxWindow - this.#window);
    this.#window += growth;
    const credit = this.#consumed + growth;
    this.#consumed = 0;
    this.#allowance += credit;
    this.#host.control(numberFrame(FrameType.credit, this.streamId, credit));
  }
}
