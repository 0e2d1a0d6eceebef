// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Heap } from './heap.ts';
import { Schedule } from './schedule.ts';

const all = (): boolean => true;
const plain = { quietMs: 0, maxQuietMs: 0 };

describe('Schedule', () => {
  it('gives keys in the order they were added, each once', () => {
    const schedule = new Schedule(plain);
    for (const key of ['a', 'b', 'a', 'c']) schedule.add(key, 0);
    expect([1, 2, 3, 4].map(() => schedule.take(0, all)?.key)).toEqual(['a', 'b', 'c', undefined]);
  });

  it('lets higher priorities go first, also one raised later', () => {
    const schedule = new Schedule(plain);
    schedule.add('low', 0);
    schedule.add('raised', 0);
    schedule.add('high', 0, { priority: 5 });
    schedule.add('raised', 0, { priority: 9 });
    schedule.add('raised', 0, { priority: 1 });
    expect([1, 2, 3].map(() => schedule.take(0, all)?.key)).toEqual(['raised', 'high', 'low']);
  });

  it('keeps the order of the others when a priority is raised among many that are due', () => {
    const schedule = new Schedule(plain);
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
    for (const [i, key] of keys.entries()) schedule.add(key, 0, { priority: i % 4 });
    schedule.add('first', 0, { priority: 99 });
    // Makes all of them ready.
    expect(schedule.take(0, all)?.key).toBe('first');
    for (const [i, key] of keys.entries()) if (i % 3 === 0) schedule.add(key, 0, { priority: (i % 4) + 5 });
    const wanted = keys.map((_, i) => (i % 3 === 0 ? (i % 4) + 5 : i % 4)).toSorted((a, b) => b - a);
    const taken = keys.map(() => Number(schedule.take(0, all)?.key.slice(4)));
    expect(taken.map((i) => (i % 3 === 0 ? (i % 4) + 5 : i % 4))).toEqual(wanted);
  });

  it('lets the earliest of several reasons win', () => {
    const schedule = new Schedule(plain);
    schedule.addAt('a', 1000);
    schedule.addAt('a', 500);
    schedule.addAt('a', 800);
    schedule.retryAt('a', 900);
    expect(schedule.nextDelay(0)).toBe(500);
    schedule.add('a', 100);
    expect(schedule.take(100, all)?.key).toBe('a');
    expect(schedule.nextDelay(100)).toBeUndefined();
  });

  it('waits for quiet, but not for ever', () => {
    const schedule = new Schedule({ quietMs: 40, maxQuietMs: 100 });
    for (const now of [0, 30, 60, 90]) schedule.add('a', now);
    expect(schedule.take(99, all)).toBeUndefined();
    expect(schedule.take(100, all)).toEqual({ key: 'a', readyAt: 100, priority: 0 });
    schedule.add('a', 200);
    expect(schedule.nextDelay(200)).toBe(40);
  });

  it('does not wait for quiet when asked, and later adds do not put that off', () => {
    const schedule = new Schedule({ quietMs: 40, maxQuietMs: 100 });
    schedule.add('a', 0);
    schedule.add('a', 10, { immediate: true });
    schedule.add('a', 20);
    expect(schedule.take(20, all)?.key).toBe('a');
  });

  it('keeps what is refused in its place', () => {
    const schedule = new Schedule(plain);
    schedule.add('busy', 0);
    schedule.add('free', 0);
    expect(schedule.take(0, (key) => key !== 'busy')?.key).toBe('free');
    expect(schedule.take(0, all)?.key).toBe('busy');
  });

  it('does not ask to be woken for keys that are due and only lack a worker', () => {
    const schedule = new Schedule(plain);
    schedule.add('a', 0);
    expect(schedule.nextDelay(10)).toBeUndefined();
    schedule.addAt('b', 50);
    expect(schedule.nextDelay(10)).toBe(40);
  });

  it('does not grow with the number of times a key was delayed', () => {
    const schedule = new Schedule(plain);
    for (let now = 0; now < 10_000; now++) {
      schedule.addAt('a', now + 300_000);
      schedule.add('a', now);
      expect(schedule.take(now, all)?.key).toBe('a');
    }
    expect(schedule.pending).toBe(0);
    expect(schedule.nextDelay(10_000)).toBeUndefined();
  });

  it('agrees with a plain model', () => {
    const operation = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      what: fc.constantFrom('add', 'immediate', 'addAt', 'retryAt', 'take'),
      wait: fc.nat(50),
      delay: fc.nat(100),
      priority: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), fc.constantFrom(0, 20), (operations, quietMs) => {
        const maxQuietMs = quietMs * 3;
        const schedule = new Schedule({ quietMs, maxQuietMs });
        const model = new Map<string, { add?: number; first: number; other: number; priority: number }>();
        let now = 0;
        for (const { key, what, wait, delay, priority } of operations) {
          now += wait;
          const entry = model.get(key) ?? { first: now, other: Infinity, priority: 0 };
          if (what === 'take') {
            const due = [...model].filter(([, { add = Infinity, other }]) => Math.min(add, other) <= now);
            const best = Math.max(...due.map(([, other]) => other.priority));
            const taken = schedule.take(now, all);
            expect(taken === undefined).toBe(due.length === 0);
            if (taken) {
              expect(model.get(taken.key)?.priority).toBe(best);
              model.delete(taken.key);
            }
            continue;
          }
          if (what === 'addAt') schedule.addAt(key, now + delay);
          else if (what === 'retryAt') schedule.retryAt(key, now + delay);
          else schedule.add(key, now, { priority, immediate: what === 'immediate' });
          if (what === 'addAt' || what === 'retryAt') entry.other = Math.min(entry.other, now + delay);
          else {
            entry.priority = Math.max(entry.priority, priority);
            if (entry.add === undefined) entry.first = now;
            if (what === 'immediate' || (entry.add ?? Infinity) <= now) entry.add = Math.min(entry.add ?? now, now);
            else entry.add = Math.min(now + quietMs, entry.first + maxQuietMs);
          }
          model.set(key, entry);
        }
        const dues = [...model.values()].map(({ add = Infinity, other }) => Math.min(add, other));
        expect(schedule.depth(now)).toBe(
          [...model.values()].filter(({ add, other }) => add !== undefined || other <= now).length,
        );
        let rest = 0;
        while (schedule.take(Math.max(now, ...dues, 0), all)) rest++;
        expect(rest).toBe(model.size);
      }),
      { numRuns: 500 },
    );
  });
});

describe('Heap', () => {
  it('sorts', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new Heap<number>((a, b) => a < b);
        for (const number of numbers) heap.push(number);
        heap.retain((number) => number % 3 !== 0);
        const sorted = [];
        for (let top = heap.pop(); top !== undefined; top = heap.pop()) sorted.push(top);
        expect(sorted).toEqual(numbers.filter((number) => number % 3 !== 0).toSorted((a, b) => a - b));
      }),
    );
  });
});
