// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Below this, bytes are copied together: small pieces would keep alive the much larger buffers that they arrived in. */
const blockBytes = 16 * 1024;

/** Bytes that wait for their reader, holding hardly more memory than their count however small the pieces were. */
export class ByteQueue {
  #blocks: Buffer[] = [];
  /** Bytes used in the last block when it is one of ours with room left, else 0. */
  #open = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: Buffer): void {
    this.#bytes += bytes.length;
    let rest = bytes;
    if (this.#open > 0) {
      const block = this.#blocks.at(-1) as Buffer;
      const copied = rest.copy(block, this.#open);
      this.#open = this.#open + copied === block.length ? 0 : this.#open + copied;
      rest = rest.subarray(copied);
    }
    if (rest.length === 0) return;
    if (rest.length >= blockBytes) {
      this.#blocks.push(rest);
      return;
    }
    const block = Buffer.allocUnsafeSlow(blockBytes);
    this.#open = rest.copy(block);
    this.#blocks.push(block);
  }

  /** The next piece, of no particular size; undefined when there is none. */
  shift(): Buffer | undefined {
    const block = this.#blocks.shift();
    if (!block) return undefined;
    const last = this.#blocks.length === 0 && this.#open > 0;
    const piece = last ? block.subarray(0, this.#open) : block;
    if (last) this.#open = 0;
    this.#bytes -= piece.length;
    return piece;
  }

  clear(): void {
    this.#blocks = [];
    this.#open = 0;
    this.#bytes = 0;
  }
}
