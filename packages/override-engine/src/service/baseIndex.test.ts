// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { feedKey } from '@clusternet/api-types';
import { base, dedicated, feedTo } from '../testing/objects.ts';
import { BaseIndex } from './baseIndex.ts';

const [a, b, c] = ['a', 'b', 'c'].map(feedTo) as [
  ReturnType<typeof feedTo>,
  ReturnType<typeof feedTo>,
  ReturnType<typeof feedTo>,
];
const key = (name: string): string => `${dedicated}/${name}`;
const at = (day: number): { creationTimestamp: string } => ({ creationTimestamp: `2026-01-0${day}T00:00:00Z` });

describe('BaseIndex', () => {
  it('gives a shared feed to the oldest Base, by the name where they are of one age', () => {
    const index = new BaseIndex();
    index.set(base('young', [a], at(2)));
    expect(index.ownerOf(feedKey(a), dedicated)).toBe('young');
    index.set(base('older', [a], at(1)));
    index.set(base('old', [a], at(1)));
    expect(index.ownerOf(feedKey(a), dedicated)).toBe('old');
  });

  it('hands a feed to the next Base when the owner is being deleted, is gone, or gives it up', () => {
    const index = new BaseIndex();
    index.set(base('one', [a], at(1)));
    index.set(base('two', [a], at(2)));
    index.set(base('three', [a], at(3)));
    index.set(base('one', [a], { ...at(1), deletionTimestamp: '2026-02-01T00:00:00Z' }));
    expect(index.ownerOf(feedKey(a), dedicated)).toBe('two');
    index.set(base('two', [b], at(2)));
    expect(index.ownerOf(feedKey(a), dedicated)).toBe('three');
    index.delete(key('three'));
    expect(index.ownerOf(feedKey(a), dedicated)).toBeUndefined();
    expect(index.ownerOf(feedKey(b), dedicated)).toBe('two');
  });

  it('keeps the clusters apart', () => {
    const index = new BaseIndex();
    index.set(base('one', [a], at(1)));
    expect(index.set(base('two', [a], { ...at(2), namespace: 'other' }))).toEqual([]);
    expect(index.ownerOf(feedKey(a), 'other')).toBe('two');
    expect(index.withFeed(feedKey(a)).sort()).toEqual([key('one'), 'other/two'].sort());
  });

  it('tells who shares a feed that a Base had or has', () => {
    const index = new BaseIndex();
    index.set(base('one', [a]));
    index.set(base('two', [b]));
    expect(index.set(base('moving', [a, c]))).toEqual([key('one')]);
    expect(index.set(base('moving', [b, c])).sort()).toEqual([key('one'), key('two')]);
    expect(index.delete(key('moving'))).toEqual([key('two')]);
    expect(index.delete(key('moving'))).toEqual([]);
    expect(index.withFeed(feedKey(c))).toEqual([]);
  });
});
