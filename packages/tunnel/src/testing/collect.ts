// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Readable } from 'node:stream';

/** All that a stream has to say. Unlike the consumers of Node it leaves the other direction of a Duplex alone. */
export function collect(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => resolve(Buffer.concat(pieces)));
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('closed before its end')));
  });
}
