// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Link } from '../link/link.ts';

/** A stream that may have bytes to send. */
export interface Source {
  /** How many bytes could go now. An end of the stream counts as one. */
  readonly sendable: number;
  /** Bytes sent ahead of bulk since its last turn among it; kept by the outbox. */
  ahead: number;
  /** The next frame, of at most `maxFrame` bytes. */
  nextFrame(maxFrame: number): Buffer;
}

/** What a stream may send ahead of those in the middle of bulk, per round. */
const aheadBytes = 16 * 1024;

/**
 * Decides which frame is next: control frames first, then small or fresh streams, then bulk, one frame each in turn.
 * Nothing is handed to the link while it has enough, so whatever comes late still comes before the bulk that waits.
 */
export class Outbox {
  readonly #link: Link;
  readonly #onSent: (frame: Buffer) => void;
  #maxFrame: number;
  #control: Buffer[] = [];
  /** How many of `#control` are gone already; shifting a long list one by one would cost its square. */
  #sentControl = 0;
  readonly #fresh = new Set<Source>();
  readonly #bulk = new Set<Source>();
  #pumping = false;

  constructor(link: Link, maxFrame: number, onSent: (frame: Buffer) => void) {
    this.#link = link;
    this.#maxFrame = maxFrame;
    this.#onSent = onSent;
  }

  /** Frames of no stream's data that wait. A peer that reads lets them go; one that does not must not pile them up. */
  get waitingControl(): number {
    return this.#control.length - this.#sentControl;
  }

  set maxFrame(bytes: number) {
    this.#maxFrame = bytes;
  }

  control(frame: Buffer): void {
    this.#control.push(frame);
    this.pump();
  }

  /** Call whenever a source may have become sendable. */
  ready(source: Source): void {
    this.#enqueue(source);
    this.pump();
  }

  remove(source: Source): void {
    this.#fresh.delete(source);
    this.#bulk.delete(source);
  }

  clear(): void {
    this.#clearControl();
    this.#fresh.clear();
    this.#bulk.clear();
  }

  pump(): void {
    if (this.#pumping || !this.#link.writable) return;
    this.#pumping = true;
    this.#link.cork();
    try {
      while (this.#link.writable) {
        const frame = this.#next();
        if (!frame) break;
        this.#link.send(frame);
        this.#onSent(frame);
      }
    } finally {
      this.#link.uncork();
      this.#pumping = false;
    }
  }

  #clearControl(): void {
    this.#control = [];
    this.#sentControl = 0;
  }

  #next(): Buffer | undefined {
    const control = this.#control[this.#sentControl];
    if (control) {
      this.#sentControl++;
      if (this.#sentControl === this.#control.length) this.#clearControl();
      return control;
    }
    const fresh = this.#fresh.values().next().value;
    if (fresh) {
      this.#fresh.delete(fresh);
      const frame = fresh.nextFrame(this.#maxFrame);
      fresh.ahead += frame.length;
      this.#enqueue(fresh);
      return frame;
    }
    const bulk = this.#bulk.values().next().value;
    if (!bulk) return undefined;
    this.#bulk.delete(bulk);
    bulk.ahead = 0;
    const frame = bulk.nextFrame(this.#maxFrame);
    // What it wrote meanwhile does not make it fresh again.
    this.#fresh.delete(bulk);
    if (bulk.sendable > 0) this.#bulk.add(bulk);
    return frame;
  }

  #enqueue(source: Source): void {
    const waiting = source.sendable;
    if (waiting === 0 || this.#fresh.has(source) || this.#bulk.has(source)) return;
    (source.ahead + waiting <= aheadBytes ? this.#fresh : this.#bulk).add(source);
  }
}
