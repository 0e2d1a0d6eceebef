// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { isLabelKey, isLabelValue } from './syntax.ts';

describe('isLabelKey', () => {
  it.each(['a', 'A_b.c-D', '1', 'example.org/tier', `${'a'.repeat(253)}/${'b'.repeat(63)}`])('takes %s', (key) => {
    expect(isLabelKey(key)).toBe(true);
  });

  it.each([
    '',
    '-a',
    'a-',
    'a b',
    'a/',
    '/a',
    'a/b/c',
    'Upper/a',
    'a..b/c',
    `a/${'b'.repeat(64)}`,
    `${'a'.repeat(254)}/b`,
    'a\n',
  ])('refuses %j', (key) => {
    expect(isLabelKey(key)).toBe(false);
  });
});

describe('isLabelValue', () => {
  it.each(['', 'a', 'A_b.c-D', 'x'.repeat(63)])('takes "%s"', (value) => {
    expect(isLabelValue(value)).toBe(true);
  });

  it.each(['-', 'a-', '.a', 'a b', 'a/b', 'x'.repeat(64), 'a\n'])('refuses %j', (value) => {
    expect(isLabelValue(value)).toBe(false);
  });
});
