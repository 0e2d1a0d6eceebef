// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isConflict } from '@clusternet/client';
import { type Logger } from '@clusternet/runtime';

/** How long a cache may take to show what is stored. */
export const staleMs = 200;

/** True for the error of a write whose object somebody else changed first, or of several such writes and no other error. */
export function isLostRace(error: unknown): boolean {
  return error instanceof AggregateError ? error.errors.every(isLostRace) : isConflict(error);
}

/** Runs one pass of a controller. A lost race is no failure: the pass is repeated once the cache shows what was written. */
export async function retryLostRace<T>(
  pass: () => Promise<T>,
  logger: Pick<Logger, 'debug'>,
): Promise<T | { requeueAfterMs: number }> {
  try {
    return await pass();
  } catch (error) {
    if (!isLostRace(error)) throw error;
    logger.debug('somebody else wrote first; trying again', { error });
    return { requeueAfterMs: staleMs };
  }
}
