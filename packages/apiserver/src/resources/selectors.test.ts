// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { exactValue, matchesFields, parseFieldSelector } from './fieldSelector.ts';
import { parseLabelSelector } from './labelSelector.ts';

describe('label selectors', () => {
  it.each([
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['a=', { a: '' }, true],
    ['a in (b, c),d', { a: 'c', d: '1' }, true],
    ['a notin (b,c)', { a: 'b' }, false],
    ['a notin (b)', {}, true],
    ['example.io/size>3', { 'example.io/size': '4' }, true],
    ['size<3', { size: 'x' }, false],
    ['toString', {}, false],
  ])('%s of %j: %j', (selector, labels, selected) => {
    expect(parseLabelSelector(selector)?.(labels as Record<string, string>)).toBe(selected);
  });

  it('that are empty select everything', () => {
    expect(parseLabelSelector('')).toBeUndefined();
  });

  it.each(['a in b', 'a=b c=d', ',', 'a in (b', '=x', 'a>b', 'x/y/z', '-a'])('%s is refused', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(/unable to parse requirement/);
  });
});

describe('field selectors', () => {
  it('are read with their escapes', () => {
    expect(parseFieldSelector('metadata.name=a,type!=b\\,c,x==')).toEqual([
      { field: 'metadata.name', negated: false, value: 'a' },
      { field: 'type', negated: true, value: 'b,c' },
      { field: 'x', negated: false, value: '' },
    ]);
  });

  it('count a field that is absent as empty', () => {
    const terms = parseFieldSelector('a=,b!=c');
    expect(matchesFields(terms, () => undefined)).toBe(true);
    expect(matchesFields(terms, () => 'c')).toBe(false);
    expect(exactValue(parseFieldSelector('n!=a,n=b'), 'n')).toBe('b');
  });

  it('without an operator are refused', () => {
    expect(() => parseFieldSelector('metadata.name')).toThrow("can't understand 'metadata.name'");
  });
});
