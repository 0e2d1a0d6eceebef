// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { PromiseCache } from './promiseCache.ts';

function cacheOf(max: number) {
  let ms = 0;
  const clock = { now: () => new Date(ms), monotonic: () => ms, setTimer: () => () => undefined };
  const cache = new PromiseCache<string>({ max, ttlMs: (value) => (value === 'short' ? 1_000 : 10_000), clock });
  return { cache, pass: (forMs: number): void => void (ms += forMs) };
}

const answer = (value: string) => () => Promise.resolve(value);

describe('PromiseCache', () => {
  it('asks once for many at a time, and again when the answer is over', async () => {
    const { cache, pass } = cacheOf(10);
    let asked = 0;
    const load = async () => `${++asked}`;
    expect(await Promise.all([cache.get('a', load), cache.get('a', load)])).toEqual(['1', '1']);
    pass(9_999);
    expect(await cache.get('a', load)).toBe('1');
    pass(1);
    expect(await cache.get('a', load)).toBe('2');
  });

  it('keeps no failures', async () => {
    const { cache } = cacheOf(10);
    await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(cache.size).toBe(0);
    expect(await cache.get('a', answer('there'))).toBe('there');
  });

  it('lets go of what is over as others come', async () => {
    const { cache, pass } = cacheOf(10);
    for (const key of ['a', 'b', 'c']) await cache.get(key, answer('short'));
    await cache.get('d', answer('long'));
    pass(1_000);
    await cache.get('e', answer('long'));
    expect(cache.size).toBe(2);
    expect(await cache.get('d', answer('another'))).toBe('long');
  });

  it('holds no more than it may, and lets the oldest go', async () => {
    const { cache } = cacheOf(2);
    for (const key of ['a', 'b', 'c']) await cache.get(key, answer(key));
    expect(cache.size).toBe(2);
    expect(await cache.get('c', answer('another'))).toBe('c');
    expect(await cache.get('a', answer('another'))).toBe('another');
  });
});
