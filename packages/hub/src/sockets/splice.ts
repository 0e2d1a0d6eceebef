// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Duplex } from 'node:stream';

/** How long the bytes on their way get when the other side is gone. */
const lastWordsMs = 5_000;

/**
 * Joins two connections: bytes and back-pressure both ways, and ends one direction at a time. When one side fails or goes, the other gets what
 * was on its way and then goes too.
 */
export function splice(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  follow(a, b);
  follow(b, a);
}

function follow(from: Duplex, to: Duplex): void {
  from.on('error', () => from.destroy());
  from.on('close', () => {
    if (to.destroyed) return;
    if (!from.readableEnded) {
      to.destroy();
      return;
    }
    // It had said its last word before it went; nobody reads what the other one still has to say.
    const late = setTimeout(() => to.destroy(), lastWordsMs).unref();
    to.once('close', () => clearTimeout(late));
    to.end(() => to.destroy());
  });
}
