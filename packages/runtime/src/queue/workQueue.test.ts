// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Metrics } from '../metrics/metrics.ts';
import { FakeClock, settle } from '../testing/fakeClock.ts';
import { apiError } from '../testing/fakeCollection.ts';
import { RecordingLogger } from '../testing/recordingLogger.ts';
import { guardedSignal } from '../util/guardedSignal.ts';
import { TerminalError } from './terminalError.ts';
import { type Reconcile, WorkQueue, type WorkQueueOptions } from './workQueue.ts';

function setUp(reconcile: Reconcile, options: Partial<WorkQueueOptions> = {}) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const queue = new WorkQueue({ name: 'test', reconcile, logger, clock, random: () => 0.5, ...options });
  queue.start();
  return { queue, clock, logger };
}

describe('WorkQueue', () => {
  it('keeps the priority of a key that failed, comes back by itself, or is added for later with one', async () => {
    const order: string[] = [];
    let release = (): void => undefined;
    const results: Record<string, () => Promise<void> | { requeueAfterMs?: number } | void> = {
      busy: () => new Promise((resolve) => (release = resolve)),
      failing: () => {
        if (order.filter((key) => key === 'failing').length === 1) throw new Error('not yet');
      },
      returning: () => (order.filter((key) => key === 'returning').length === 1 ? { requeueAfterMs: 100 } : undefined),
    };
    const { queue, clock } = setUp(
      async (key) => {
        order.push(key);
        return await results[key]?.();
      },
      { backoff: { initialMs: 100, maxMs: 100 } },
    );
    queue.add('failing', { priority: 3 });
    queue.add('returning', { priority: 2 });
    await settle();
    order.splice(0);
    queue.addAfter('plain', 10);
    queue.addAfter('later', 20, { priority: 1 });
    queue.add('busy');
    await settle();
    await clock.advance(1_000);
    // All of them are due when the one worker has time.
    release();
    await settle();
    expect(order).toEqual(['busy', 'failing', 'returning', 'later', 'plain']);
  });

  it('works a key that becomes due between the look for due keys and the setting of the timer', async () => {
    // A clock that moves on with every reading, as the real one does.
    let time = 0;
    const timers: (() => void)[] = [];
    const clock = {
      monotonic: () => (time += 1),
      now: () => new Date(0),
      setTimer: (fn: () => void) => {
        timers.push(fn);
        return () => undefined;
      },
    };
    for (let afterMs = 0; afterMs < 12; afterMs++) {
      let worked = 0;
      const queue = new WorkQueue({ name: 'test', reconcile: async () => void worked++, logger: new RecordingLogger(), clock });
      queue.start();
      await settle();
      queue.addAfter('a', afterMs);
      for (let turn = 0; turn < 20 && worked === 0; turn++) {
        await settle();
        for (const fire of timers.splice(0)) fire();
      }
      expect({ afterMs, worked }).toEqual({ afterMs, worked: 1 });
      await queue.close();
    }
  });

  it('works keys added before it was started', async () => {
    const worked: string[] = [];
    const queue = new WorkQueue({ name: 'test', reconcile: async (key) => void worked.push(key), logger: new RecordingLogger() });
    queue.add('a');
    await settle();
    expect(worked).toEqual([]);
    queue.start();
    await queue.whenIdle();
    expect(worked).toEqual(['a']);
  });

  it('runs a key added while it runs once more, and never beside itself', async () => {
    const gates: (() => void)[] = [];
    const { queue } = setUp(() => new Promise<void>((resolve) => gates.push(resolve)), { workers: 4 });
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('a');
    await settle();
    expect(gates).toHaveLength(1);
    gates[0]?.();
    await settle();
    expect(gates).toHaveLength(2);
    gates[1]?.();
    await queue.whenIdle();
    expect(gates).toHaveLength(2);
  });

  it('uses as many workers as allowed', async () => {
    let running = 0;
    let most = 0;
    const { queue } = setUp(
      async () => {
        most = Math.max(most, ++running);
        await settle();
        running--;
      },
      { workers: 3 },
    );
    for (let key = 0; key < 20; key++) queue.add(String(key));
    await queue.whenIdle();
    expect(most).toBe(3);
  });

  it.each([
    ['an ordinary error', () => new Error('no')],
    ['NotFound', () => apiError(404, 'NotFound', 'gone')],
    ['Forbidden', () => apiError(403, 'Forbidden', 'no')],
  ])('retries %s with growing delays, and starts afresh after a success', async (_name, error) => {
    const times: [number, number][] = [];
    let fail = true;
    const { queue, clock } = setUp(async (_key, { attempt }) => {
      times.push([clock.monotonic(), attempt]);
      if (fail) throw error();
    });
    queue.add('a');
    await clock.advance(699);
    fail = false;
    await clock.advance(10_000);
    // Half of 200, 400 and 800 ms, the random number being 0.5.
    expect(times).toEqual([
      [0, 0],
      [100, 1],
      [300, 2],
      [700, 3],
    ]);
    queue.add('a');
    await clock.advance(0);
    expect(times.at(-1)?.[1]).toBe(0);
  });

  it('waits as long as the API server asks for', async () => {
    let tries = 0;
    const { queue, clock } = setUp(async () => {
      if (tries++ === 0) throw Object.assign(new Error('slow down'), { retryAfterSeconds: 7 });
    });
    queue.add('a');
    await clock.advance(6_999);
    expect(tries).toBe(1);
    await clock.advance(1);
    expect(tries).toBe(2);
  });

  it('does not retry a terminal error until the next add', async () => {
    let tries = 0;
    const { queue, clock, logger } = setUp(async () => {
      tries++;
      throw new TerminalError('never');
    });
    queue.add('a');
    await clock.advance(3_600_000);
    expect(tries).toBe(1);
    expect(logger.messages('error')).toEqual(['reconcile failed for good']);
    queue.add('a');
    await clock.advance(0);
    expect(tries).toBe(2);
  });

  it('survives a reconcile that throws at once, or throws what is no Error', async () => {
    let tries = 0;
    const { queue, clock } = setUp(() => {
      if (tries++ === 0) throw 'a string' as unknown as Error;
      return Promise.resolve();
    });
    queue.add('a');
    await clock.advance(1000);
    expect(tries).toBe(2);
  });

  it('works an added key at once although it is in back-off', async () => {
    let tries = 0;
    const { queue, clock } = setUp(async () => {
      tries++;
      throw new Error('no');
    });
    queue.add('a');
    await clock.advance(10);
    queue.add('a');
    await clock.advance(0);
    expect(tries).toBe(2);
  });

  it('comes back after the time a reconcile asked for, or earlier', async () => {
    const times: number[] = [];
    const { queue, clock } = setUp(async () => {
      times.push(clock.monotonic());
      return { requeueAfterMs: 1000 };
    });
    queue.add('a');
    await clock.advance(1500);
    queue.addAfter('a', 100);
    await clock.advance(400);
    expect(times).toEqual([0, 1000, 1600]);
  });

  it('coalesces a burst', async () => {
    const times: number[] = [];
    const { queue, clock } = setUp(async () => void times.push(clock.monotonic()), { quietMs: 40, maxQuietMs: 400 });
    for (let step = 0; step < 100; step++) {
      queue.add('a');
      await clock.advance(10);
    }
    await clock.advance(1000);
    expect(times.length).toBeGreaterThanOrEqual(2);
    expect(times.length).toBeLessThanOrEqual(4);
    expect(times[0]).toBe(400);
  });

  it('closes: aborts what runs, waits for it, drops the rest and takes no more', async () => {
    const worked: string[] = [];
    let ended = false;
    const { queue, logger } = setUp(async (key, { signal }) => {
      worked.push(key);
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    queue.add('a');
    queue.add('b');
    await settle();
    const closing = queue.close().then(() => (ended = true));
    queue.add('c');
    expect(ended).toBe(false);
    await closing;
    await settle();
    expect(worked).toEqual(['a']);
    expect(logger.messages('warn')).toEqual([]);
    await queue.whenIdle();
  });

  it('starts nothing when its leadership turns out to be over, without waiting for a timer', async () => {
    const worked: string[] = [];
    let overdue = false;
    const leading = guardedSignal([], () => (overdue ? new Error('overdue') : undefined));
    const { queue } = setUp(async (key) => void worked.push(key), { signal: leading });
    queue.add('a');
    await settle();
    overdue = true;
    queue.add('b');
    await settle();
    expect(worked).toEqual(['a']);
    expect(leading.aborted).toBe(true);
    await queue.close();
  });

  it('comes to rest when its leadership ends while keys wait', async () => {
    const leading = new AbortController();
    const { queue, clock } = setUp(() => Promise.reject(new Error('no')), { signal: leading.signal, random: () => 1 });
    queue.add('a');
    await settle();
    let idle = false;
    void queue.whenIdle().then(() => (idle = true));
    await settle();
    expect(idle).toBe(false);
    leading.abort();
    await settle();
    expect(idle).toBe(true);
    expect(clock.pending).toBe(0);
    await queue.close();
  });

  it('takes a delay that is no number for a mistake, and goes on with the other keys', async () => {
    const worked: string[] = [];
    const { queue, clock, logger } = setUp(async (key) => {
      worked.push(key);
      return key === 'bad' && worked.length === 1 ? { requeueAfterMs: Date.parse('never') } : undefined;
    });
    expect(() => queue.addAfter('bad', Number.NaN)).toThrow('key bad: the delay has to be a number');
    queue.add('bad');
    queue.addAfter('good', 1);
    await clock.advance(200);
    expect(worked).toEqual(['bad', 'good', 'bad']);
    expect(logger.messages('warn')).toEqual(['reconcile failed']);
  });

  it('reports depth, results and what runs, and forgets it when closed', async () => {
    const metrics = new Metrics();
    let release = (): void => undefined;
    const { queue, clock } = setUp(() => new Promise<void>((resolve) => (release = resolve)), { metrics });
    queue.add('a');
    queue.add('b');
    await settle();
    clock.jump(5000);
    const running = await metrics.registry.metrics();
    expect(running).toContain('clusternet_workqueue_depth{name="test"} 1');
    expect(running).toContain('clusternet_workqueue_unfinished_work_seconds{name="test"} 5');
    release();
    await settle();
    release();
    await queue.whenIdle();
    const after = await metrics.registry.metrics();
    expect(after).toContain('clusternet_workqueue_adds_total{name="test"} 2');
    expect(after).toContain('clusternet_reconcile_total{name="test",result="success"} 2');
    await queue.close();
    expect(await metrics.registry.metrics()).not.toContain('clusternet_workqueue_depth{name="test"}');
  });

  it('shows queues of one name as one, until the last of them is closed', async () => {
    const metrics = new Metrics();
    const hold = (): Promise<void> => new Promise((resolve) => releases.push(resolve));
    const releases: (() => void)[] = [];
    const first = setUp(hold, { metrics });
    const second = setUp(hold, { metrics });
    for (const { queue } of [first, second]) for (const key of ['a', 'b', 'c']) queue.add(key);
    await settle();
    first.clock.jump(2000);
    second.clock.jump(3000);
    const both = await metrics.registry.metrics();
    expect(both).toContain('clusternet_workqueue_depth{name="test"} 4');
    expect(both).toContain('clusternet_workqueue_unfinished_work_seconds{name="test"} 5');
    expect(both).toContain('clusternet_workqueue_longest_running_processor_seconds{name="test"} 3');
    const closing = [first.queue.close()];
    releases[0]?.();
    await closing[0];
    expect(await metrics.registry.metrics()).toContain('clusternet_workqueue_depth{name="test"} 2');
    closing.push(second.queue.close());
    releases[1]?.();
    await Promise.all(closing);
    expect(await metrics.registry.metrics()).not.toContain('clusternet_workqueue_depth{name="test"}');
  });

  it('works every key after its last add, one worker per key, whatever fails in between', async () => {
    const steps = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), wait: fc.nat(300), fails: fc.nat(2), takes: fc.nat(200) }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 30), async (list, workers, quietMs) => {
        const clock = new FakeClock();
        const wanted = new Map<string, number>();
        const seen = new Map<string, number>();
        const running = new Set<string>();
        const failures = new Map<string, number>();
        let takes = 0;
        let doubled = false;
        const queue = new WorkQueue({
          name: 'test',
          logger: new RecordingLogger(),
          clock,
          workers,
          quietMs,
          reconcile: async (key) => {
            if (running.has(key) || running.size >= workers) doubled = true;
            running.add(key);
            const state = wanted.get(key) ?? 0;
            if (takes > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, takes));
            running.delete(key);
            const left = failures.get(key) ?? 0;
            failures.set(key, left - 1);
            if (left > 0) throw new Error('again');
            seen.set(key, state);
          },
        });
        queue.start();
        let state = 0;
        for (const step of list) {
          takes = step.takes;
          failures.set(step.key, step.fails);
          wanted.set(step.key, ++state);
          queue.add(step.key);
          await clock.advance(step.wait);
        }
        await clock.advance(300_000);
        await queue.whenIdle();
        expect(doubled).toBe(false);
        expect(seen).toEqual(wanted);
        await queue.close();
      }),
      { numRuns: 40 },
    );
  });
});
