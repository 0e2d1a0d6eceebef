// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Duplex } from 'node:stream';
import { StreamResetError } from '../errors.ts';

/** How long the bytes on their way to one side get when the other was cut off. */
const lastWordsMs = 5_000;

/**
 * Joins two streams: bytes, back-pressure and ends pass both ways, one direction at a time. When one fails or closes before
 * its end, the other is destroyed with the reason, after what was on its way to it.
 */
export function splice(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  bind(a, b);
  bind(b, a);
}

function bind(from: Duplex, to: Duplex): void {
  let failure: Error | undefined;
  from.on('error', (error: Error) => {
    failure = error;
    from.destroy();
  });
  from.on('close', () => {
    if (to.destroyed) return;
    // Sockets that do not stay half open end by themselves, whatever the other one still had to say.
    const orderly = from.readableEnded && from.writableFinished && !failure;
    if (orderly && to.readableEnded) return;
    const reason = orderly
      ? undefined
      : (failure ?? new StreamResetError('ECONNRESET', 'the connection was closed before its end'));
    if (!from.readableEnded || to.writableFinished) {
      to.destroy(reason);
      return;
    }
    const late = setTimeout(() => to.destroy(reason), lastWordsMs).unref();
    to.once('finish', () => to.destroy(reason));
    to.once('close', () => clearTimeout(late));
  });
}
