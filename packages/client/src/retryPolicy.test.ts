// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { delayAfterError, delayAfterStatus, maxAttempts, parseRetryAfter } from './retryPolicy.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });
const first = { attempt: 1, random: 0.5 };
const apply = 'application/apply-patch+yaml';
const merge = 'application/merge-patch+json';

describe('delayAfterError', () => {
  it.each([
    ['GET', undefined, true],
    ['PUT', undefined, true],
    ['DELETE', undefined, true],
    ['PATCH', apply, true],
    ['PATCH', merge, false],
    ['POST', undefined, false],
  ])('%s (%s) that broke after it was sent is repeated: %s', (method, contentType, repeated) => {
    expect(delayAfterError(failure('ECONNRESET'), true, { ...first, method, contentType }) !== undefined).toBe(repeated);
  });

  it('repeats anything that was never sent', () => {
    expect(delayAfterError(failure('ECONNREFUSED'), false, { ...first, method: 'POST' })).toBe(100);
  });

  it('finds the code inside a wrapper', () => {
    const wrapped = new Error('fetch failed', { cause: new AggregateError([failure('ECONNREFUSED')]) });
    expect(delayAfterError(wrapped, false, { ...first, method: 'GET' })).toBe(100);
  });

  it('does not repeat what will fail again', () => {
    for (const code of ['ENOTFOUND', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'TIMEOUT']) {
      expect(delayAfterError(failure(code), false, { ...first, method: 'GET' })).toBeUndefined();
    }
  });

  it('waits longer each time and then gives up', () => {
    const delays = [1, 2, 3, 4, maxAttempts].map((attempt) =>
      delayAfterError(failure('EPIPE'), true, { attempt, random: 0.5, method: 'GET' }),
    );
    expect(delays).toEqual([100, 200, 400, 800, undefined]);
  });
});

describe('delayAfterStatus', () => {
  it.each([
    [429, 2, 2100],
    [429, undefined, 100],
    [503, 1, 1050],
    [503, undefined, undefined],
    [500, 1, undefined],
    [409, undefined, undefined],
    [200, undefined, undefined],
  ])('%s with Retry-After %s waits %s ms', (status, retryAfter, delay) => {
    const result = delayAfterStatus(status, retryAfter, { ...first, method: 'POST' });
    expect(result === undefined ? undefined : Math.round(result)).toBe(delay);
  });
});

describe('parseRetryAfter', () => {
  it.each([
    ['5', 5],
    ['0', 0],
    [new Date(10_000).toUTCString(), 7],
    [new Date(1_000).toUTCString(), 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s seconds', (text, seconds) => {
    expect(parseRetryAfter(text, 3_000)).toBe(seconds);
  });
});
