// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Taint, type Toleration } from './schemas/common.ts';
import { tolerates } from './tolerates.ts';

const taint: Taint = { key: 'a', value: 'b', effect: 'NoExecute' };

describe('tolerates', () => {
  it.each<[string, Toleration, boolean]>([
    ['key and value', { key: 'a', value: 'b' }, true],
    ['key and another value', { key: 'a', value: 'c' }, false],
    ['key alone, which means an empty value', { key: 'a' }, false],
    ['key that exists', { key: 'a', operator: 'Exists' }, true],
    ['everything', { operator: 'Exists' }, true],
    ['nothing: no key and Equal', {}, false],
    ['the effect', { key: 'a', value: 'b', effect: 'NoExecute' }, true],
    ['another effect', { operator: 'Exists', effect: 'NoSchedule' }, false],
    ['another key', { key: 'z', operator: 'Exists' }, false],
    ['an operator nobody knows', { key: 'a', value: 'b', operator: 'Like' as 'Equal' }, false],
  ])('%s', (_, toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });

  it('takes a taint without a value as one with an empty value', () => {
    expect(tolerates({ key: 'a' }, { key: 'a', effect: 'NoSchedule' })).toBe(true);
  });
});
