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
    ['a in ()', { a: '' }, true],
    ['a in (,b)', { a: '' }, true],
    ['a in (b,,c)', { a: 'c' }, true],
    ['in in (in)', { in: 'in' }, true],
    ['a=in,notin', { a: 'in' }, false],
  ])('%s of %j: %j', (selector, labels, selected) => {
    expect(parseLabelSelector(selector)?.(labels as Record<string, string>)).toBe(selected);
  });

  it('that are empty select everything', () => {
    expect(parseLabelSelector('')).toBeUndefined();
  });

  // The words are those of kube-apiserver 1.35.
  it.each([
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['a in (b))', "found ')', expected: ',' or 'end of string'"],
    ['a=b c=d', "found 'c', expected: ',' or 'end of string'"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=(', "unable to parse requirement: found '(', expected: identifier"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['a=b,', "found '', expected: identifier after ','"],
    ['=x', "found '=', expected: !, identifier, or 'end of string'"],
    ['a>b', `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`],
    [
      'a=-x',
      'unable to parse requirement: values[0][a]: Invalid value: "-x": a valid label must be an empty string or consist of',
    ],
    [`a=${'x'.repeat(64)}`, ': must be no more than 63 bytes'],
    ['x/y/z', `unable to parse requirement: <nil>: Invalid value: "x/y/z": a valid label key must consist of alphanumeric`],
    ['-a', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters'],
    ['b/', 'Invalid value: "b/": name part must be non-empty; name part must consist of'],
    ['A_/x', 'Invalid value: "A_/x": prefix part a lowercase RFC 1123 subdomain must consist of lower case'],
  ])('%s is refused in the words of Kubernetes', (selector, message) => {
    expect(() => parseLabelSelector(selector)).toThrow(message);
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
