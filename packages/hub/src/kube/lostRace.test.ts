// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { ApiError } from '@clusternet/client';
import { silentLogger } from '@clusternet/runtime';
import { forEachLimited } from './forEachLimited.ts';
import { retryLostRace } from './lostRace.ts';

const conflict = (): ApiError => new ApiError('the object has been modified', { status: 409, reason: 'Conflict' });
const failure = (): ApiError => new ApiError('etcd is slow', { status: 500, reason: 'InternalError' });

/** A pass that fails so in parallel writes. */
function pass(...errors: Error[]): () => Promise<void> {
  return () => forEachLimited(errors, 2, async (error) => Promise.reject(error));
}

describe('retryLostRace', () => {
  it('gives back what the pass returns', async () => {
    expect(await retryLostRace(async () => 'done', silentLogger)).toBe('done');
  });

  it('repeats a pass in which others wrote first, as if nothing had failed', async () => {
    expect(await retryLostRace(pass(conflict()), silentLogger)).toEqual({ requeueAfterMs: 200 });
    expect(await retryLostRace(pass(conflict(), conflict()), silentLogger)).toEqual({ requeueAfterMs: 200 });
  });

  it('hides no other error behind a race', async () => {
    await expect(retryLostRace(pass(failure()), silentLogger)).rejects.toThrow('etcd is slow');
    await expect(retryLostRace(pass(conflict(), failure()), silentLogger)).rejects.toThrow('2 of 2 failed');
    const exists = new ApiError('exists', { status: 409, reason: 'AlreadyExists' });
    await expect(retryLostRace(pass(exists), silentLogger)).rejects.toThrow('exists');
  });
});
