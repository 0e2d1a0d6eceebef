// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { FakeClock, settle } from '../testing/fakeClock.ts';
import { retry } from './retry.ts';
import { sleep } from './sleep.ts';

describe('retry', () => {
  it('waits longer after each failure and gives the first success', async () => {
    const clock = new FakeClock();
    const times: number[] = [];
    const result = retry(
      async (attempt) => {
        times.push(clock.monotonic());
        if (attempt < 3) throw new Error('not yet');
        return attempt;
      },
      { clock, initialMs: 100, jitter: 0 },
    );
    await clock.advance(10_000);
    await expect(result).resolves.toBe(3);
    expect(times).toEqual([0, 100, 300, 700]);
  });

  it('throws the last error when its attempts are used up', async () => {
    const clock = new FakeClock();
    const result = retry((attempt) => Promise.reject(new Error(`try ${attempt}`)), { clock, attempts: 2 });
    const outcome = expect(result).rejects.toThrow('try 1');
    await clock.advance(1000);
    await outcome;
  });

  it('does not repeat what is not retryable', async () => {
    await expect(retry(() => Promise.reject(new Error('no')), { retryable: () => false })).rejects.toThrow('no');
  });

  it('ends its waiting when aborted, leaving no timer', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const result = retry(() => Promise.reject(new Error('no')), { clock, signal: abort.signal });
    const outcome = expect(result).rejects.toThrow('enough');
    await settle();
    abort.abort(new Error('enough'));
    await outcome;
    expect(clock.pending).toBe(0);
  });
});

describe('sleep', () => {
  it('is refused by a signal that is aborted already', async () => {
    await expect(sleep(1, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });
});
