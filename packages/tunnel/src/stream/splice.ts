// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Duplex } from 'node:stream';
import { StreamResetError } from '../errors.ts';

/**
 * Joins two streams: bytes, back-pressure and ends pass both ways, one direction at a time. When one fails or closes before
 * its end, the other is destroyed with the reason.
 */
export function splice(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  bind(a, b);
  bind(b, a);
}

function bind(from: Duplex, to: Duplex): void {
  let failure: Error | undefined;
  from.on('error', (error: Error) => (failure = error));
  from.on('close', () => {
    if (to.destroyed || (from.readableEnded && from.writableFinished && !failure)) return;
    const reason = failure ?? new StreamResetError('ECONNRESET', 'the connection was closed before its end');
    // All that `from` had to say goes out before the bad news.
    if (from.readableEnded && !to.writableFinished) to.once('finish', () => to.destroy(reason));
    else to.destroy(reason);
  });
}
