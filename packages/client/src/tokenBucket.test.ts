// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { TokenBucket } from './tokenBucket.ts';

describe('TokenBucket', () => {
  it('lets the burst through at once and spaces what follows', () => {
    const bucket = new TokenBucket({ qps: 10, burst: 3, now: () => 0 });
    expect([1, 2, 3, 4, 5].map(() => bucket.reserve())).toEqual([0, 0, 0, 100, 200]);
  });

  it('fills up again with time, never above the burst', () => {
    let now = 0;
    const bucket = new TokenBucket({ qps: 10, burst: 2, now: () => now });
    bucket.reserve();
    bucket.reserve();
    now = 100;
    expect(bucket.reserve()).toBe(0);
    expect(bucket.reserve()).toBe(100);
    now = 60_000;
    expect([1, 2, 3].map(() => bucket.reserve())).toEqual([0, 0, 100]);
  });

  it('takes back the token of a request that went away', () => {
    const bucket = new TokenBucket({ qps: 1, burst: 1, now: () => 0 });
    expect(bucket.reserve()).toBe(0);
    expect(bucket.reserve()).toBe(1000);
    bucket.cancel();
    expect(bucket.reserve()).toBe(1000);
  });

  it('refuses a rate that would never let anything through', () => {
    expect(() => new TokenBucket({ qps: 0 })).toThrow('qps must be greater than 0');
  });
});
