// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { duration, formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['20s', 20_000],
    ['3m', 180_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['250ms', 250],
    ['100us', 0.1],
    ['0', 0],
    ['720h', 2_592_000_000],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBeCloseTo(ms));

  it.each(['', '20', 's', '-1s', '1d', '1h 30m', '1s1', 'abc', '1..5s'])('refuses %p', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it('reads what formatDuration writes', () => {
    fc.assert(fc.property(fc.nat(), (ms) => expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 3)));
  });
});

describe('duration', () => {
  it('is milliseconds, with a readable refusal', () => {
    expect(duration().parse('3m')).toBe(180_000);
    expect(duration().default(20_000).parse(undefined)).toBe(20_000);
    expect(() => duration().parse('3x')).toThrow('must be a duration such as 20s, 3m or 1h30m');
  });
});
