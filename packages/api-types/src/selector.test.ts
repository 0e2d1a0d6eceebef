// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import type { LabelSelector } from './schemas/common.ts';
import { matchesSelector } from './selector.ts';

const labels = { tier: 'gold', zone: 'eu' };
const expression = (key: string, operator: string, values?: string[]) =>
  ({ matchExpressions: [{ key, operator, values }] }) as LabelSelector;

describe('matchesSelector', () => {
  it.each<[string, LabelSelector | undefined, boolean]>([
    ['no selector', undefined, false],
    ['an empty selector', {}, true],
    ['the right value', { matchLabels: { tier: 'gold' } }, true],
    ['one right and one wrong value', { matchLabels: { tier: 'gold', zone: 'us' } }, false],
    ['a key that all objects inherit', { matchLabels: { constructor: 'x' } }, false],
    ['In with the value', expression('tier', 'In', ['silver', 'gold']), true],
    ['In without the value', expression('tier', 'In', ['silver']), false],
    ['In for a missing key', expression('size', 'In', ['l']), false],
    ['NotIn with the value', expression('tier', 'NotIn', ['gold']), false],
    ['NotIn without the value', expression('tier', 'NotIn', ['silver']), true],
    ['NotIn for a missing key', expression('size', 'NotIn', ['l']), true],
    ['Exists', expression('tier', 'Exists'), true],
    ['Exists for a missing key', expression('toString', 'Exists'), false],
    ['DoesNotExist', expression('tier', 'DoesNotExist'), false],
    ['DoesNotExist for a missing key', expression('size', 'DoesNotExist'), true],
    ['labels and expressions', { matchLabels: { tier: 'gold' }, ...expression('zone', 'In', ['us']) }, false],
  ])('%s -> %s', (_about, selector, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });

  it('treats an object without labels like one with none', () => {
    expect(matchesSelector({}, undefined)).toBe(true);
    expect(matchesSelector({ matchLabels: { a: 'b' } }, undefined)).toBe(false);
    expect(matchesSelector(expression('a', 'DoesNotExist'), undefined)).toBe(true);
  });

  it('refuses what it does not understand rather than match nothing', () => {
    expect(() => matchesSelector(expression('a', 'Is', ['b']), labels)).toThrow('unknown operator "Is" of key "a"');
    expect(() => matchesSelector(expression('a', 'In'), labels)).toThrow('operator In of key "a" needs values');
  });
});
