// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Smaller ones come cheaper from Node's own pool. */
const minBytes = 16 * 1024;
const slabBytes = 64 * 1024 + 64;
const maxFree = 16;

/**
 * Buffers of large frames, used again once they were written: allocating and collecting 64 KiB for each frame costs a sender
 * of bulk a quarter of its CPU time. Holds at most 1 MiB.
 */
export class FramePool {
  readonly #free: ArrayBufferLike[] = [];
  readonly #ours = new WeakSet<ArrayBufferLike>();

  /** How many buffers wait for their next use. */
  get size(): number {
    return this.#free.length;
  }

  /** A buffer of this size with anything in it. */
  take(bytes: number): Buffer {
    if (bytes < minBytes || bytes > slabBytes) return Buffer.allocUnsafe(bytes);
    const slab = this.#free.pop() ?? Buffer.allocUnsafeSlow(slabBytes).buffer;
    this.#ours.add(slab);
    return Buffer.from(slab, 0, bytes);
  }

  /** Whether {@link FramePool.give} would keep it. */
  wants(frame: Buffer): boolean {
    return this.#ours.has(frame.buffer) && this.#free.length < maxFree;
  }

  /** Gives a buffer back that nobody looks at any more. One not from here is left to the garbage collector. */
  give(frame: Buffer): void {
    if (!this.wants(frame)) return;
    this.#ours.delete(frame.buffer);
    this.#free.push(frame.buffer);
  }
}

/** One for the process: which tunnel is busy changes. */
export const framePool = new FramePool();
