// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { caHash, fnv1a32, fnv1a64, suffix } from './hash.ts';

describe('fnv1a', () => {
  // Vectors of the authors of FNV.
  it.each([
    ['', 0x811c9dc5, 0xcbf29ce484222325n],
    ['a', 0xe40c292c, 0xaf63dc4c8601ec8cn],
    ['foobar', 0xbf9cf968, 0x85944171f73967e8n],
  ])('of "%s"', (text, bits32, bits64) => {
    expect(fnv1a32(text)).toBe(bits32);
    expect(fnv1a64(text)).toBe(bits64);
  });

  it('takes the UTF-8 bytes', () => {
    expect(fnv1a64('é')).toBe(fnv1a64(Buffer.from([0xc3, 0xa9]).toString('utf8')));
    expect(fnv1a32('é')).not.toBe(fnv1a32('e'));
  });
});

it('tells CA bundles apart, and one from none', () => {
  expect(caHash('old')).toBe(caHash('old'));
  expect(new Set([caHash(), caHash('old'), caHash('old and new'), caHash('new')]).size).toBe(4);
});

describe('suffix', () => {
  it('is the same for the same text, and of the alphabet of generated names', () => {
    expect(suffix('05326c73-b450-49d8-a5e6-e77adac3d346')).toBe(suffix('05326c73-b450-49d8-a5e6-e77adac3d346'));
    for (let i = 0; i < 500; i++) expect(suffix(`text ${i}`)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('has the wanted length', () => {
    expect(suffix('x', 13)).toHaveLength(13);
  });

  it('does not change between versions: objects are found again by it', () => {
    expect(['', 'a', 'foobar'].map((text) => suffix(text))).toMatchInlineSnapshot(`
     [
       "s6vf8",
       "vmwnz",
       "7zxzz",
     ]
    `);
  });

  it('rarely repeats', () => {
    const suffixes = new Set(Array.from({ length: 1000 }, (_, i) => suffix(`subscription-${i}`)));
    expect(suffixes.size).toBeGreaterThan(995);
  });
});
