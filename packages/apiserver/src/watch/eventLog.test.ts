// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { EventLog } from './eventLog.ts';

function filled(capacity: number, count: number, collection = 'a'): EventLog<string> {
  const log = new EventLog<string>({ capacity });
  log.reset(10);
  for (let i = 1; i <= count; i++) log.append({ collection, version: 10 + i, previous: undefined, object: `o${i}` });
  return log;
}

describe('an event log', () => {
  it('goes on from any version that it still has', () => {
    const log = filled(10, 3);
    const from = log.after('a', 11);
    expect(from && log.read('a', from)?.entries.map(({ object }) => object)).toEqual(['o2', 'o3']);
    expect(log.after('a', 9)).toBeUndefined();
  });

  it('tells readers that it dropped what they had not read', () => {
    const log = filled(2, 4);
    const start = log.after('a', 12);
    expect(log.after('a', 11)).toBeUndefined();
    expect(start && log.read('a', start)?.entries).toHaveLength(2);
  });

  it('keeps quiet collections readable while others fill it', () => {
    const log = filled(2, 1, 'quiet');
    const from = log.end();
    for (let i = 0; i < 50; i++) log.append({ collection: 'loud', version: 100 + i, previous: undefined, object: 'x' });
    expect(log.read('quiet', from)?.entries).toEqual([]);
    expect(log.after('quiet', 11)).toBeDefined();
    expect(log.after('quiet', 10)).toBeUndefined();
    expect(log.after('loud', 11)).toBeUndefined();
  });

  it('wakes those who wait for a collection, and all of them when it begins anew', async () => {
    const log = filled(5, 0);
    const waiting = log.changed('a');
    const cancelled = log.changed('a');
    cancelled.cancel();
    log.append({ collection: 'a', version: 20, previous: undefined, object: 'x' });
    await waiting.promise;
    const position = log.end();
    const again = log.changed('b');
    log.reset(30);
    await again.promise;
    expect(log.read('a', position)).toBeUndefined();
    expect(log.version).toBe(30);
  });

  it('never goes back by itself', () => {
    const log = filled(5, 2);
    log.progress(3);
    log.append({ collection: 'a', version: 5, previous: 'o1', object: undefined });
    expect(log.since('a', 11)?.map(({ version }) => version)).toEqual([12, 12]);
  });
});
