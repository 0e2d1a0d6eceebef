// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { matchesNodeSelectorTerm, type NodeSelectorTerm } from './nodeSelector.ts';

const one = { name: 'n1', labels: { zone: 'a', cpus: '16', odd: 'four' } };
const by = (key: string, operator: string, ...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key, operator: operator as 'In', ...(values.length > 0 ? { values } : {}) }],
});

describe('matchesNodeSelectorTerm', () => {
  it.each<[string, NodeSelectorTerm, boolean]>([
    ['an empty term', {}, false],
    ['In', by('zone', 'In', 'a', 'b'), true],
    ['In without the label', by('rack', 'In', 'a'), false],
    ['NotIn', by('zone', 'NotIn', 'a'), false],
    ['NotIn without the label', by('rack', 'NotIn', 'a'), true],
    ['Exists', by('zone', 'Exists'), true],
    ['DoesNotExist', by('zone', 'DoesNotExist'), false],
    ['a label that every object inherits', by('constructor', 'Exists'), false],
    ['Gt', by('cpus', 'Gt', '8'), true],
    ['Gt of the same', by('cpus', 'Gt', '16'), false],
    ['Lt of more digits', by('cpus', 'Lt', '100'), true],
    ['Gt of a text', by('odd', 'Gt', '1'), false],
    ['Gt of the start of a number', by('cpus', 'Gt', '8cores'), false],
    ['Gt of two numbers', by('cpus', 'Gt', '1', '2'), false],
    ['an unknown operator', by('zone', 'Like', 'a'), false],
    ['the name', { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }, true],
    ['another field', { matchFields: [{ key: 'spec.name', operator: 'In', values: ['n1'] }] }, false],
    [
      'all of several',
      { matchExpressions: [...(by('zone', 'Exists').matchExpressions ?? []), ...(by('rack', 'Exists').matchExpressions ?? [])] },
      false,
    ],
  ])('%s', (_, term, expected) => expect(matchesNodeSelectorTerm(term, one)).toBe(expected));
});
