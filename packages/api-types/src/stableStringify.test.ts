// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { stableStringify } from './stableStringify.ts';

describe('stableStringify', () => {
  it('gives one text for equal values, whatever the order of their keys', () => {
    expect(stableStringify({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(stableStringify({ a: null, b: [{ c: 2, d: 1 }] })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
  });

  it('keeps the order of lists', () => {
    expect(stableStringify([2, 1])).toBe('[2,1]');
  });

  it('leaves undefined members out', () => {
    expect(stableStringify({ a: undefined, b: 1 })).toBe('{"b":1}');
    expect(stableStringify(undefined)).toBe('null');
  });

  it('treats __proto__ as a key like any other', () => {
    expect(stableStringify(JSON.parse('{"z":1,"__proto__":{"b":1,"a":2}}'))).toBe('{"__proto__":{"a":2,"b":1},"z":1}');
  });
});
