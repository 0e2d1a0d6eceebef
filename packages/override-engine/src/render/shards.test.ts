// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { baseOfShard, maxShardBytes, type Placeable, placeInShards, shardName, shardNumber, sizeOf } from './shards.ts';

/** An object that takes up `size` bytes of a Description. */
const taking = (key: string, size: number): Placeable => ({ key, raw: 'x'.repeat(size - sizeOf('')) });

const keysOf = (placed: Map<number, Placeable[]>): Record<number, string[]> =>
  Object.fromEntries([...placed].map(([number, objects]) => [number, objects.map(({ key }) => key)]));

const where = (placed: Map<number, Placeable[]>): Map<string, number> =>
  new Map([...placed].flatMap(([number, objects]) => objects.map(({ key }) => [key, number] as const)));

const nowhere = (): undefined => undefined;

describe('shard names', () => {
  it('number the Descriptions of a Base, the first without a number', () => {
    expect([1, 2, 12].map((number) => shardName('app-x2x4z', number))).toEqual([
      'app-x2x4z-generic',
      'app-x2x4z-generic-2',
      'app-x2x4z-generic-12',
    ]);
  });

  it.each([
    ['app-generic', 1],
    ['app-generic-2', 2],
    ['app-generic-12', 12],
    ['app-generic-1', undefined],
    ['app-generic-0', undefined],
    ['app-generic-02', undefined],
    ['app-generic-2-generic', undefined],
    ['app-helm', undefined],
    ['other-generic', undefined],
  ])('%s is number %s of Base app', (name, number) => {
    expect(shardNumber('app', name)).toBe(number);
    expect(baseOfShard(name) === 'app').toBe(number !== undefined);
  });
});

describe('placeInShards', () => {
  it('fills the first Description before it starts another', () => {
    const objects = [taking('a', 500), taking('b', 500), taking('c', 500)];
    expect(keysOf(placeInShards(objects, { current: nowhere, limit: 1000 }))).toEqual({ 1: ['a', 'b'], 2: ['c'] });
  });

  it('counts what is said of an object outside of raw, so that many small ones fit into etcd too', () => {
    const objects = Array.from({ length: 5000 }, (_, i) => ({ key: `${i}`, raw: 'x'.repeat(200) }));
    const placed = placeInShards(objects, { current: nowhere });
    // 200 bytes in raw, and up to 366 in the status: a feed and a short live status.
    for (const together of placed.values()) expect(together.length * (200 + 366)).toBeLessThan(1_500_000);
  });

  it('leaves objects where they are and puts new ones where there is room', () => {
    const current = new Map([
      ['b', 2],
      ['c', 1],
    ]);
    const objects = [taking('a', 500), taking('b', 500), taking('c', 500)];
    const placed = placeInShards(objects, { current: (key) => current.get(key), limit: 1000 });
    expect(keysOf(placed)).toEqual({ 1: ['a', 'c'], 2: ['b'] });
  });

  it('moves what no longer fits, and only that', () => {
    const objects = [taking('a', 500), taking('b', 600), taking('c', 500)];
    const placed = placeInShards(objects, { current: () => 1, limit: 1000 });
    expect(keysOf(placed)).toEqual({ 1: ['a', 'c'], 2: ['b'] });
  });

  it('gives a large object a Description of its own, which is not the first', () => {
    const objects = [taking('large', 1500), taking('a', 500), taking('b', 500), taking('c', 500), taking('huge', 3000)];
    const placed = placeInShards(objects, { current: nowhere, limit: 1000 });
    expect(keysOf(placed)).toEqual({ 1: ['a', 'b'], 2: ['large'], 3: ['c'], 4: ['huge'] });
  });

  it('moves an object that has become large, not its neighbours', () => {
    const objects = [taking('grown', 1500), taking('a', 500), taking('b', 500)];
    expect(keysOf(placeInShards(objects, { current: () => 2, limit: 1000 }))).toEqual({ 2: ['a', 'b'], 3: ['grown'] });
  });

  it('lets one that has become small again stay and have neighbours', () => {
    const objects = [taking('shrunk', 500), taking('a', 1000), taking('b', 500)];
    const current = (key: string): number | undefined => ({ shrunk: 2, a: 1 })[key];
    expect(keysOf(placeInShards(objects, { current, limit: 1000 }))).toEqual({ 1: ['a'], 2: ['shrunk', 'b'] });
  });

  it('loses nothing, fits all, keeps large ones alone, and places its own result the same again', () => {
    const sizes = fc.array(fc.integer({ min: 400, max: 1500 }), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.array(fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })), (all, numbers) => {
        const objects = all.map((size, i) => taking(`${i}`, size));
        const placed = placeInShards(objects, { current: (key) => numbers[Number(key)], limit: 1000 });
        expect([...where(placed).keys()].sort()).toEqual(objects.map(({ key }) => key).sort());
        for (const [number, together] of placed) {
          const bytes = together.reduce((sum, { raw }) => sum + sizeOf(raw), 0);
          if (bytes > 1000) expect([together.length, number > 1]).toEqual([1, true]);
        }
        const found = where(placed);
        expect(placeInShards(objects, { current: (key) => found.get(key), limit: 1000 })).toEqual(placed);
      }),
    );
  });

  it('fills up to a megabyte by itself', () => {
    const objects = [taking('a', maxShardBytes / 2), taking('b', maxShardBytes / 2), taking('c', 500)];
    expect(keysOf(placeInShards(objects, { current: nowhere }))).toEqual({ 1: ['a', 'b'], 2: ['c'] });
  });
});
