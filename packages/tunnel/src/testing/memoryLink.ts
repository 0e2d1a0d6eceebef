// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Link, LinkHandler } from '../link/link.ts';

/** One end of a connection in memory that delivers when told to, for tests that decide what is on its way. */
export class MemoryLink implements Link {
  readonly id = 'memory';
  handler: LinkHandler | undefined;
  bytesRead = 0;
  /** Sent, not yet delivered. */
  readonly wire: Buffer[] = [];
  /** Not writable from this many bytes on the wire. */
  highWaterMark = 64 * 1024;
  closed = false;
  #other: MemoryLink | undefined;

  static pair(): [MemoryLink, MemoryLink] {
    const a = new MemoryLink();
    const b = new MemoryLink();
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  get bytesOnWire(): number {
    return this.wire.reduce((sum, frame) => sum + frame.length, 0);
  }

  get writable(): boolean {
    return !this.closed && this.bytesOnWire < this.highWaterMark;
  }

  send(frame: Buffer): void {
    if (!this.closed) this.wire.push(frame);
  }

  cork(): void {}
  uncork(): void {}

  close(options: { now?: boolean } = {}): void {
    if (this.closed) return;
    if (!options.now) this.deliver();
    this.closed = true;
    this.wire.length = 0;
    this.#other?.ended();
  }

  ended(): void {
    if (this.closed) return;
    this.closed = true;
    this.handler?.onClose('the connection was closed');
  }

  /** A frame arrives from nowhere, as a broken peer sends it. */
  inject(frame: Buffer): void {
    this.bytesRead += frame.length;
    this.handler?.onFrame(frame);
  }

  /** Delivers up to `count` frames to the other end; answers whether there were any. */
  deliver(count = Infinity): boolean {
    let delivered = 0;
    while (delivered < count && this.wire.length > 0) {
      const frame = this.wire.shift() as Buffer;
      delivered++;
      this.#other?.inject(frame);
    }
    if (delivered > 0 && this.writable) this.handler?.onDrain();
    return delivered > 0;
  }
}
