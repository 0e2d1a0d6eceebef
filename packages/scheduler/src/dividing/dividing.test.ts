// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { apportion } from './apportion.ts';
import { chooseClusters } from './chooseClusters.ts';
import { divideDynamic } from './divideDynamic.ts';
import { divideOverDomains, type SpreadConstraint } from './divideOverDomains.ts';
import { divideStatic, type WeightedCluster } from './divideStatic.ts';
import { type Room } from './room.ts';

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
/** Replicas that start somewhere new. */
const moved = (from: readonly number[], to: readonly number[]) => sum(to.map((count, i) => Math.max(0, count - (from[i] ?? 0))));

/** Every way to put `total` into places with these bounds. */
function* ways(total: number, bounds: readonly [number, number][]): Generator<number[]> {
  const [first, ...rest] = bounds;
  if (first === undefined) {
    if (total === 0) yield [];
    return;
  }
  for (let count = first[0]; count <= Math.min(first[1], total); count++) {
    for (const others of ways(total - count, rest)) yield [count, ...others];
  }
}

describe('apportion', () => {
  const weights = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 20 });

  it('is exact, and within one of each quota, however large the numbers', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 - 1 }), weights, (total, all) => {
        const shares = apportion(total, all);
        expect(sum(shares)).toBe(sum(all) === 0 ? 0 : total);
        for (const [i, share] of shares.entries()) {
          const product = BigInt(total) * BigInt(all[i] ?? 0);
          const whole = BigInt(sum(all) || 1);
          expect(BigInt(share) === product / whole || BigInt(share) === product / whole + 1n).toBe(true);
          if (all[i] === 0) expect(share).toBe(0);
        }
      }),
    );
  });

  it('gives nobody more than fits when the weights are rooms', () => {
    fc.assert(
      fc.property(weights, fc.nat({ max: 1000 }), (rooms, permille) => {
        const total = Math.floor((sum(rooms) * permille) / 1000);
        for (const [i, share] of apportion(total, rooms).entries()) expect(share).toBeLessThanOrEqual(rooms[i] ?? 0);
      }),
    );
  });

  it('gives the rest to the largest fractions', () => {
    expect(apportion(10, [1, 1, 1])).toEqual([4, 3, 3]);
    expect(apportion(7, [6, 3, 1])).toEqual([4, 2, 1]);
  });
});

describe('divideStatic', () => {
  const fresh = (...weights: number[]): WeightedCluster[] => weights.map((weight) => ({ weight, current: 0, frozen: false }));

  it.each([
    [6, [3, 2, 1], [3, 2, 1]],
    [10, [1, 1, 1], [4, 3, 3]],
    [2, [1, 5, 1], [0, 2, 0]],
    [5, [0, 1, 0], [0, 5, 0]],
    [5, [0, 0], [0, 0]],
    [0, [1, 2], [0, 0]],
    [2 ** 31 - 1, [2 ** 31 - 1, 2 ** 31 - 1, 2], [1073741824, 1073741823, 0]],
  ])('divides %d by %j', (total, weights, expected) => {
    expect(divideStatic(total, fresh(...weights))).toEqual(expected);
  });

  const clusters = fc.array(fc.record({ weight: fc.nat({ max: 4 }), current: fc.nat({ max: 6 }), frozen: fc.constant(false) }), {
    minLength: 1,
    maxLength: 4,
  });

  it('is exact, keeps each within one of its quota, and moves as few as any division by these weights', () => {
    fc.assert(
      fc.property(fc.nat({ max: 12 }), clusters, (total, all) => {
        const weight = sum(all.map((one) => one.weight));
        const shares = divideStatic(total, all);
        if (weight === 0) return expect(sum(shares)).toBe(0);
        const bounds = all.map((one): [number, number] => {
          const floor = Math.floor((total * one.weight) / weight);
          return [floor, one.weight > 0 ? floor + 1 : floor];
        });
        for (const [i, share] of shares.entries()) {
          expect(share).toBeGreaterThanOrEqual(bounds[i]?.[0] ?? 0);
          expect(share).toBeLessThanOrEqual(bounds[i]?.[1] ?? 0);
        }
        expect(sum(shares)).toBe(total);
        const present = all.map(({ current }) => current);
        const least = Math.min(...[...ways(total, bounds)].map((way) => moved(present, way)));
        expect(moved(present, shares)).toBe(least);
      }),
    );
  });

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: 50 }), clusters, (total, all) => {
        const shares = divideStatic(total, all);
        expect(
          divideStatic(
            total,
            all.map((one, i) => ({ ...one, current: shares[i] ?? 0 })),
          ),
        ).toEqual(shares);
      }),
    );
  });

  it('takes from nobody when the total grows, as far as the quotas allow', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 40 }),
        fc.array(fc.integer({ min: 1, max: 1 }), { minLength: 1, maxLength: 6 }),
        (total, weights) => {
          const before = divideStatic(total, fresh(...weights));
          const after = divideStatic(
            total + 1,
            weights.map((weight, i) => ({ weight, current: before[i] ?? 0, frozen: false })),
          );
          expect(moved(before, after)).toBe(1);
        },
      ),
    );
  });

  it('brings a frozen cluster no more than it has, and what it lacks to the others', () => {
    const frozen = { weight: 2, current: 1, frozen: true };
    expect(divideStatic(8, [frozen, ...fresh(1, 1)])).toEqual([1, 4, 3]);
    expect(divideStatic(8, [{ ...frozen, current: 8 }, ...fresh(1, 1)])).toEqual([4, 2, 2]);
    expect(divideStatic(8, [frozen])).toEqual([1]);
  });
});

const room = (key: string, free: number, o: Partial<Room> = {}): Room => ({ key, current: 0, free, tier: 0, ...o });

const rooms = fc
  .array(fc.record({ current: fc.nat({ max: 4 }), free: fc.nat({ max: 4 }), tier: fc.nat({ max: 1 }) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) => all.map((one, i) => ({ ...one, key: `c${i}` })));

describe('divideDynamic', () => {
  it.each<[string, number, 'Spread' | 'Binpack', Room[], number[]]>([
    ['in proportion to the room', 10, 'Spread', [room('a', 30), room('b', 10), room('c', 10)], [6, 2, 2]],
    ['into as few as possible', 10, 'Binpack', [room('a', 4), room('b', 30), room('c', 12)], [0, 0, 10]],
    ['into the largest when none holds all', 10, 'Binpack', [room('a', 4), room('b', 5), room('c', 6)], [4, 0, 6]],
    ['first into what is in use', 5, 'Binpack', [room('a', 9), room('b', 3, { used: true })], [2, 3]],
    ['preferred clusters first', 5, 'Spread', [room('a', 9), room('b', 3, { tier: 1 })], [2, 3]],
    ['less from where less is', 4, 'Spread', [room('a', 0, { current: 6 }), room('b', 0, { current: 2 })], [3, 1]],
    ['by emptying the smallest', 6, 'Binpack', [room('a', 0, { current: 6 }), room('b', 0, { current: 2 })], [6, 0]],
    ['what is lost, and nothing else', 9, 'Spread', [room('a', 9, { current: 3 }), room('b', 9, { current: 3 })], [5, 4]],
    [
      'all of it, however large',
      2 ** 31 - 1,
      'Spread',
      [room('a', 2 ** 31 - 1), room('b', 2 ** 31 - 1)],
      [1073741824, 1073741823],
    ],
  ])('puts %s', (_, desired, strategy, clusters, expected) => {
    expect(divideDynamic({ desired, clusters, strategy })).toEqual({ replicas: expected, short: 0 });
  });

  it.each(['Spread', 'Binpack'] as const)('%s is exact, stays in bounds, and moves nothing that need not', (strategy) => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), rooms, (desired, clusters) => {
        const { replicas, short } = divideDynamic({ desired, clusters, strategy });
        const present = clusters.map(({ current }) => current);
        const space = sum(clusters.map(({ current, free }) => current + free));
        expect(sum(replicas)).toBe(Math.min(desired, space));
        expect(short).toBe(Math.max(0, desired - space));
        for (const [i, count] of replicas.entries()) {
          expect(count).toBeGreaterThanOrEqual(0);
          expect(count).toBeLessThanOrEqual((clusters[i]?.current ?? 0) + (clusters[i]?.free ?? 0));
        }
        expect(moved(present, replicas)).toBe(Math.max(0, sum(replicas) - sum(present)));
      }),
    );
  });

  it('Binpack uses as few new clusters as any way does', () => {
    fc.assert(
      fc.property(fc.nat({ max: 12 }), rooms, (desired, all) => {
        const clusters = all.map((one) => ({ ...one, current: 0, tier: 0 }));
        const { replicas, short } = divideDynamic({ desired, clusters, strategy: 'Binpack' });
        const used = (way: readonly number[]) => way.filter((count) => count > 0).length;
        const bounds = clusters.map(({ free }): [number, number] => [0, free]);
        expect(used(replicas)).toBe(Math.min(...[...ways(desired - short, bounds)].map(used)));
      }),
    );
  });

  it('uses at least minClusters, as far as there are replicas and room, by single moves', () => {
    const clusters = [room('a', 9, { current: 4 }), room('b', 9), room('c', 9)];
    expect(divideDynamic({ desired: 4, clusters, strategy: 'Binpack', minClusters: 3 }).replicas).toEqual([2, 1, 1]);
    expect(
      divideDynamic({ desired: 1, clusters: [room('a', 9), room('b', 9)], strategy: 'Spread', minClusters: 2 }).replicas,
    ).toEqual([1, 0]);
  });
});

describe('divideOverDomains', () => {
  const zone = (hard: boolean, maxSkew = 1): SpreadConstraint => ({ topologyKey: 'zone', maxSkew, hard });
  const inZone = (key: string, name: string, free: number, current = 0) => room(key, free, { current, labels: { zone: name } });

  it('keeps the domains within maxSkew of one another', () => {
    const clusters = [inZone('a', 'x', 50), inZone('b', 'x', 50), inZone('c', 'y', 9)];
    expect(divideOverDomains({ desired: 10, clusters, strategy: 'Spread', constraints: [zone(true)] })).toEqual({
      replicas: [3, 2, 5],
      short: 0,
    });
  });

  it('stops where a full domain holds up the others, and goes on where that is only a wish', () => {
    const clusters = [inZone('a', 'x', 50), inZone('c', 'y', 2)];
    const input = { desired: 10, clusters, strategy: 'Spread' as const };
    expect(divideOverDomains({ ...input, constraints: [zone(true)] })).toEqual({ replicas: [3, 2], short: 5 });
    expect(divideOverDomains({ ...input, constraints: [zone(false)] })).toEqual({ replicas: [8, 2], short: 0 });
  });

  it('leaves out clusters without the label, and counts missing domains as empty', () => {
    const clusters = [inZone('a', 'x', 50), room('b', 50)];
    expect(divideOverDomains({ desired: 4, clusters, strategy: 'Spread', constraints: [zone(true)] }).replicas).toEqual([4, 0]);
    const constraints = [{ ...zone(true), minDomains: 2 }];
    expect(divideOverDomains({ desired: 4, clusters, strategy: 'Spread', constraints })).toEqual({ replicas: [1, 0], short: 3 });
  });

  it('mends what breaks a constraint by moves, and no more of them than needed', () => {
    const clusters = [inZone('a', 'x', 9, 6), inZone('b', 'y', 9)];
    expect(divideOverDomains({ desired: 6, clusters, strategy: 'Spread', constraints: [zone(true, 2)] }).replicas).toEqual([
      4, 2,
    ]);
  });

  it('says so when there are too many replicas to look at each', () => {
    const clusters = Array.from({ length: 100 }, (_, i) => inZone(`c${i}`, String(i % 3), 1e9));
    expect(() => divideOverDomains({ desired: 2 ** 31 - 1, clusters, strategy: 'Spread', constraints: [zone(true)] })).toThrow(
      /at most 200000 replicas at once for 100 clusters/,
    );
  });

  it('keeps every hard constraint, and places all that can be placed under it', () => {
    const cluster = fc.record({ free: fc.nat({ max: 4 }), zone: fc.constantFrom('x', 'y', 'z') });
    fc.assert(
      fc.property(
        fc.array(cluster, { minLength: 1, maxLength: 4 }),
        fc.nat({ max: 10 }),
        fc.integer({ min: 1, max: 3 }),
        (all, desired, skew) => {
          const clusters = all.map((one, i) => inZone(`c${i}`, one.zone, one.free));
          const { replicas, short } = divideOverDomains({
            desired,
            clusters,
            strategy: 'Spread',
            constraints: [zone(true, skew)],
          });
          const valid = (way: readonly number[]) => {
            const counts = new Map<string, number>();
            for (const [i, one] of all.entries()) counts.set(one.zone, (counts.get(one.zone) ?? 0) + (way[i] ?? 0));
            return Math.max(...counts.values()) - Math.min(...counts.values()) <= skew;
          };
          expect(valid(replicas)).toBe(true);
          const bounds = all.map(({ free }): [number, number] => [0, free]);
          let most = 0;
          for (let total = 0; total <= desired; total++) if ([...ways(total, bounds)].some(valid)) most = total;
          expect(desired - short).toBe(most);
        },
      ),
    );
  });
});

describe('chooseClusters', () => {
  it('keeps those in use, and takes others only when these cannot hold all', () => {
    const clusters = [room('a', 2, { current: 3 }), room('b', 90), room('c', 50)];
    expect([...chooseClusters(clusters, { max: 1, desired: 5 })]).toEqual(['a']);
    expect([...chooseClusters(clusters, { max: 1, desired: 9 })]).toEqual(['b']);
    expect([...chooseClusters(clusters, { max: 2, desired: 9 })]).toEqual(['a', 'b']);
  });
});
