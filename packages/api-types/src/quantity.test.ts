// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { formatQuantity, parseQuantity, sameQuantity, sumQuantities } from './quantity.ts';

describe('sameQuantity', () => {
  it.each<[unknown, unknown, boolean]>([
    ['1', '1000m', true],
    ['1024Mi', '1Gi', true],
    [1, '1', true],
    [0.5, '500m', true],
    ['1e3', '1k', true],
    ['1', '2', false],
    ['12345678901234567890', '12345678901234567891', false],
    ['lots', 'lots', false],
    [undefined, undefined, false],
    [true, '1', false],
  ])('%j and %j: %s', (a, b, same) => expect(sameQuantity(a, b)).toBe(same));
});

describe('sumQuantities', () => {
  it('is "0" without summands', () => {
    expect(sumQuantities([])).toBe('0');
    expect(sumQuantities(['0', '0Ki'])).toBe('0');
  });

  it('adds cpu exactly in decimal units', () => {
    expect(sumQuantities(['4', '3500m'])).toBe('7500m');
    expect(sumQuantities(['500m', '500m'])).toBe('1');
    expect(sumQuantities(['250u', '1n'])).toBe('250001n');
    expect(sumQuantities(['0.1', '0.2'])).toBe('300m');
    expect(sumQuantities(['999', '1'])).toBe('1k');
  });

  it('keeps a binary suffix for memory', () => {
    expect(sumQuantities(['16Gi', '16Gi'])).toBe('32Gi');
    expect(sumQuantities(['16374012Ki', '1Ki'])).toBe('16374013Ki');
    expect(sumQuantities(['1536Mi', '0.5Gi'])).toBe('2Gi');
    expect(sumQuantities(['1.5Gi', '1G'])).toBe('2610612736');
  });

  it('is exact beyond the safe integers of a double', () => {
    expect(sumQuantities(['9007199254740993', '1'])).toBe('9007199254740994');
    expect(sumQuantities(['8Ei', '8Ei'])).toBe('16Ei');
  });

  it('leaves out what is no quantity', () => {
    expect(sumQuantities(['1', 'many', '', '1Xi'])).toBe('1');
  });
});

describe('parseQuantity and formatQuantity', () => {
  it.each([
    ['1e3', '1k'],
    ['12E6', '12M'],
    ['1E', '1E'],
    ['+1.50', '1500m'],
    ['-100m', '-100m'],
    ['.5', '500m'],
    ['2048Ki', '2Mi'],
    ['1000Ki', '1000Ki'],
  ])('reads %s and writes %s', (text, canonical) => {
    const quantity = parseQuantity(text);
    expect(quantity && formatQuantity(quantity)).toBe(canonical);
  });

  it('rounds what is finer than a billionth up', () => {
    expect(parseQuantity('0.0000000001')?.nanos).toBe(1n);
  });
});
