// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { memo } from './memo.ts';

describe('memo', () => {
  it('makes a value once', () => {
    let made = 0;
    const lower = memo((text) => (made++, text.toLowerCase()));
    expect([lower('Host'), lower('Host'), lower('HOST')]).toEqual(['host', 'host', 'host']);
    expect(made).toBe(2);
  });

  it('holds no more than it may, and stays right when it begins anew', () => {
    let made = 0;
    const same = memo((text) => (made++, text), 3);
    for (let n = 0; n < 2; n++) for (const text of ['a', 'b', 'c', 'd']) expect(same(text)).toBe(text);
    expect(made).toBe(8);
  });
});
