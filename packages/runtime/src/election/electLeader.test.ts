// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { core } from '@clusternet/client';
import { Metrics } from '../metrics/metrics.ts';
import { FakeClock, settle } from '../testing/fakeClock.ts';
import { FakeCollection } from '../testing/fakeCollection.ts';
import { RecordingLogger } from '../testing/recordingLogger.ts';
import { aborted } from '../util/sleep.ts';
import { electLeader, type ElectionOptions } from './electLeader.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Candidate {
  clock: FakeClock;
  logger: RecordingLogger;
  /** What happened, with the candidate's own time. */
  log: string[];
  leading: AbortSignal | undefined;
  uid: string | undefined;
  outcome: Promise<unknown>;
  abort: AbortController;
}

function stand(
  server: FakeCollection,
  identity: string,
  options: Partial<ElectionOptions> & { clock?: FakeClock } = {},
): Candidate {
  const clock = options.clock ?? new FakeClock();
  const abort = new AbortController();
  const logger = new RecordingLogger();
  const candidate: Candidate = { clock, logger, log: [], leading: undefined, uid: undefined, outcome: Promise.resolve(), abort };
  candidate.outcome = electLeader({
    client: server.client,
    namespace: 'clusternet-system',
    name: 'test',
    identity,
    logger,
    signal: abort.signal,
    random: () => 0,
    run: async (leading, lease) => {
      candidate.leading = leading;
      candidate.uid = lease.uid;
      candidate.log.push(`start ${clock.monotonic()}`);
      await aborted(leading);
      candidate.log.push(`end ${clock.monotonic()}`);
    },
    ...options,
    clock,
  }).catch((error: unknown) => error);
  stops.push(async () => {
    abort.abort(new Error('test over'));
    server.onCall = () => undefined;
    await clock.advance(30_000);
    await candidate.outcome;
  });
  return candidate;
}

const leases = (): FakeCollection => new FakeCollection(core.leases);
const holder = (server: FakeCollection): unknown =>
  (server.get('clusternet-system/test')?.['spec'] as { holderIdentity?: string })?.holderIdentity;

describe('electLeader', () => {
  it('lets one lead, renews every retry period and writes nothing else', async () => {
    const server = leases();
    const clock = new FakeClock();
    const a = stand(server, 'a', { clock });
    await clock.advance(0);
    const b = stand(server, 'b', { clock });
    await clock.advance(60_000);
    expect(a.log).toEqual(['start 0']);
    expect(b.log).toEqual([]);
    expect(holder(server)).toBe('a');
    expect(server.calls.filter((call) => call.startsWith('replace'))).toHaveLength(30);
    expect(a.uid).toBe('uid-1');
  });

  it('replaces a killed leader within the lease time', async () => {
    const server = leases();
    const a = stand(server, 'a');
    await a.clock.advance(0);
    const b = stand(server, 'b');
    // From here a is dead: its clock, and so its whole process, stands still. Its last renewal was seen by b at 0.
    await b.clock.advance(14_999);
    expect(b.log).toEqual([]);
    await b.clock.advance(1);
    expect(b.log).toEqual(['start 15000']);
    expect(holder(server)).toBe('b');
  });

  it('does not care how far apart the clocks of the machines are', async () => {
    const server = leases();
    const clock = new FakeClock(Date.UTC(2040, 0, 1));
    const a = stand(server, 'a', { clock });
    const b = stand(server, 'b', { clock: new FakeClock(Date.UTC(1999, 0, 1)) });
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000);
      await b.clock.advance(1_000);
    }
    expect(a.log).toEqual(['start 0']);
    expect(b.log).toEqual([]);
  });

  it('lets the successor start at once when the leader stops in order, after its work has ended', async () => {
    const server = leases();
    const clock = new FakeClock();
    let workEnds = (): void => undefined;
    const a = stand(server, 'a', {
      clock,
      run: async (leading) => {
        await aborted(leading);
        await new Promise<void>((resolve) => (workEnds = resolve));
      },
    });
    await clock.advance(0);
    const b = stand(server, 'b', { clock });
    await clock.advance(5_000);
    a.abort.abort();
    await clock.advance(30_000);
    // Still winding down, still renewing: nobody may start beside it.
    expect(b.log).toEqual([]);
    workEnds();
    await clock.advance(2_000);
    expect(b.log).toHaveLength(1);
    await a.outcome;
  });

  it('stops acting by the renew deadline when the API server is away, and stands again', async () => {
    const server = leases();
    const a = stand(server, 'a');
    await a.clock.advance(0);
    server.onCall = () => {
      throw new Error('connection refused');
    };
    await a.clock.advance(9_999);
    expect(a.log).toEqual(['start 0']);
    await a.clock.advance(1);
    expect(a.log).toEqual(['start 0', 'end 10000']);
    server.onCall = () => undefined;
    await a.clock.advance(3_000);
    expect(a.log).toHaveLength(3);
    expect(holder(server)).toBe('a');
  });

  it('counts from when a renewal was asked for, not from when it was answered', async () => {
    const server = leases();
    const a = stand(server, 'a');
    await a.clock.advance(0);
    server.onCall = (call) =>
      call.startsWith('replace') ? new Promise((resolve) => a.clock.setTimer(resolve, 7_000)) : undefined;
    // Asked at 2 s, answered at 9 s; asked at 11 s, which would be answered at 18 s.
    await a.clock.advance(12_100);
    expect(a.log).toEqual(['start 0', 'end 12000']);
  });

  it('refuses whoever looks first after a pause, before any timer had a turn', async () => {
    const server = leases();
    const a = stand(server, 'a');
    const b = stand(server, 'b');
    await a.clock.advance(0);
    await b.clock.advance(20_000);
    expect(b.log).toHaveLength(1);
    a.clock.jump(20_000);
    expect(a.leading?.aborted).toBe(true);
    await a.clock.advance(5_000);
    expect(a.log).toHaveLength(2);
    expect(holder(server)).toBe('b');
  });

  it('does not take a lease back on a renewal that was under way during a pause', async () => {
    const server = leases();
    const a = stand(server, 'a');
    await a.clock.advance(0);
    let answer = (): void => undefined;
    server.onCall = (call) => (call.startsWith('replace') ? new Promise<void>((resolve) => (answer = resolve)) : undefined);
    await a.clock.advance(2_000);
    const before = a.leading;
    a.clock.jump(60_000);
    server.onCall = () => undefined;
    answer();
    await settle();
    expect(before?.aborted).toBe(true);
    // Nobody else wanted it: it is won again, by a new leadership.
    expect(a.log).toEqual(['start 0', 'end 62000', 'start 62000']);
  });

  it('ends the leadership when somebody else took the lease', async () => {
    const server = leases();
    const a = stand(server, 'a');
    await a.clock.advance(0);
    const lease = server.get('clusternet-system/test');
    if (lease) server.put({ ...lease, spec: { ...(lease['spec'] as object), holderIdentity: 'intruder' } });
    await a.clock.advance(5_000);
    expect(a.log).toHaveLength(2);
    expect(holder(server)).toBe('intruder');
    expect(a.logger.messages('warn')).toContain('leadership lost; standing for election again');
  });

  it('wins anew, with the new uid, when the Lease was deleted', async () => {
    const server = leases();
    const a = stand(server, 'a');
    await a.clock.advance(0);
    server.remove('clusternet-system/test');
    await a.clock.advance(10_000);
    expect(a.log).toHaveLength(3);
    expect(a.uid).toBe('uid-2');
  });

  it('gives the lease up and ends when its work ends or fails by itself', async () => {
    const server = leases();
    const done = stand(server, 'a', { run: () => Promise.resolve() });
    await done.clock.advance(0);
    await expect(done.outcome).resolves.toBeUndefined();
    expect(holder(server)).toBe('');
    const failed = stand(server, 'a', { run: () => Promise.reject(new Error('cannot work')) });
    await failed.clock.advance(0);
    await expect(failed.outcome).resolves.toEqual(new Error('cannot work'));
    expect(holder(server)).toBe('');
  });

  it('keeps only one of many that grab at the same moment', async () => {
    const server = leases();
    const clock = new FakeClock();
    const candidates = ['a', 'b', 'c', 'd', 'e'].map((identity) => stand(server, identity, { clock }));
    await clock.advance(30_000);
    expect(candidates.filter(({ log }) => log.length > 0)).toHaveLength(1);
  });

  it('shows on its gauge who leads', async () => {
    const server = leases();
    const metrics = new Metrics();
    const a = stand(server, 'a', { metrics });
    await a.clock.advance(0);
    expect(await metrics.registry.metrics()).toContain('clusternet_leader{name="test"} 1');
    a.abort.abort();
    await a.clock.advance(0);
    expect(await metrics.registry.metrics()).toContain('clusternet_leader{name="test"} 0');
  });

  it('refuses durations that could let two lead', async () => {
    const { outcome } = stand(leases(), 'a', { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 });
    expect(await outcome).toBeInstanceOf(RangeError);
  });
});
