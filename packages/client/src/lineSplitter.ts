// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

const newline = 0x0a;

/**
 * Cuts a stream of chunks into lines, each byte looked at once however small the chunks or large the lines are.
 * It cuts bytes, not text, so a character split over two chunks stays whole.
 */
export class LineSplitter {
  #partial: Buffer[] = [];

  /** Adds a chunk and returns the lines it completes, without their line ends; empty lines are left out. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      if (line.length > 0) lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#partial.push(chunk.subarray(start));
    return lines;
  }

  /** What came after the last line end. */
  rest(): Buffer {
    return this.#complete(Buffer.alloc(0));
  }

  #complete(tail: Buffer): Buffer {
    if (this.#partial.length === 0) return tail;
    this.#partial.push(tail);
    const line = Buffer.concat(this.#partial);
    this.#partial = [];
    return line;
  }
}
