// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { ownerText, parseOwner } from './ownership.ts';
import { firstShard } from './shards.ts';

describe('the owner annotation', () => {
  it('survives dots in the name: the namespace ends at the first', () => {
    const owner = { namespace: 'clusternet-x2x4z', name: 'shop.v1.2-b4d5f-generic' };
    expect(parseOwner(ownerText(owner))).toEqual(owner);
  });

  it.each([undefined, '', 'no-dot', '.name', 'namespace.'])('is not read from %p', (text) => {
    expect(parseOwner(text)).toBeUndefined();
  });
});

describe('firstShard', () => {
  it.each([
    ['app-x2x4z-generic', 'app-x2x4z-generic'],
    ['app-x2x4z-generic-2', 'app-x2x4z-generic'],
    ['app-x2x4z-generic-12', 'app-x2x4z-generic'],
    ['my-generic-2-x2x4z-generic', 'my-generic-2-x2x4z-generic'],
    ['something-else', 'something-else'],
  ])('of %s is %s', (name, first) => {
    expect(firstShard(name)).toBe(first);
  });
});
