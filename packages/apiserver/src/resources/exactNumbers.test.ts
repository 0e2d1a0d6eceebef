// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { checkExactIntegers } from './exactNumbers.ts';

describe('checkExactIntegers', () => {
  it('names the field of an integer that would lose digits', () => {
    expect(() => checkExactIntegers('{"spec":{"size":9007199254740993}}')).toThrow(
      '"size": Invalid value: 9007199254740993: an integer beyond 2^53 cannot be kept in a template without losing digits',
    );
    expect(() => checkExactIntegers('[1, -9223372036854775808]')).toThrow('a number: Invalid value: -9223372036854775808');
  });

  it('lets pass what is kept, what is text, and what is no JSON', () => {
    for (const text of [
      '{"a":9007199254740991,"b":"9223372036854775807","c":0.12345678901234567,"d":1e300}',
      '{"9223372036854775807":1}',
      'size: 9223372036854775807',
      '{"size":9223372036854775807',
    ]) {
      expect(() => checkExactIntegers(text)).not.toThrow();
    }
  });
});
