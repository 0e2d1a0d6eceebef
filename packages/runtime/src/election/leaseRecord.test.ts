// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { claim, giveUp, isFree, observe } from './leaseRecord.ts';

const now = new Date('2026-01-01T00:00:00.5Z');

describe('observe and isFree', () => {
  const spec = {
    holderIdentity: 'other',
    leaseDurationSeconds: 15,
    renewTime: '1999-01-01T00:00:00.000000Z',
    leaseTransitions: 1,
  };
  const free = (nowMs: number, atMs: number): boolean =>
    isFree({ spec, observation: { record: '', atMs }, identity: 'me', defaultDurationMs: 15_000, nowMs });

  it('counts from when the candidate saw the record change, whatever time the holder wrote into it', () => {
    expect(free(14_999, 0)).toBe(false);
    expect(free(15_000, 0)).toBe(true);
    const first = observe(undefined, spec, 100);
    expect(observe(first, { ...spec }, 5_000)).toBe(first);
    expect(observe(first, { ...spec, renewTime: '1999-01-01T00:00:02.000000Z' }, 5_000).atMs).toBe(5_000);
  });

  it.each([undefined, '', 'me'])('takes a lease held by %p', (holderIdentity) => {
    expect(
      isFree({
        spec: { ...spec, holderIdentity },
        observation: { record: '', atMs: 0 },
        identity: 'me',
        defaultDurationMs: 15_000,
        nowMs: 1,
      }),
    ).toBe(true);
  });

  it('goes by its own duration where the holder wrote none', () => {
    const bare = { ...spec, leaseDurationSeconds: undefined };
    expect(
      isFree({ spec: bare, observation: { record: '', atMs: 0 }, identity: 'me', defaultDurationMs: 3_000, nowMs: 3_000 }),
    ).toBe(true);
  });
});

describe('claim and giveUp', () => {
  it('counts a transition when the holder changes and none when it renews', () => {
    const taken = claim({ holderIdentity: 'other', leaseTransitions: 4 }, 'me', { durationMs: 15_000, now });
    expect(taken).toEqual({
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.500000Z',
      renewTime: '2026-01-01T00:00:00.500000Z',
      leaseTransitions: 5,
    });
    const renewed = claim(taken, 'me', { durationMs: 15_000, now: new Date('2026-01-01T00:00:02Z') });
    expect(renewed).toEqual({ ...taken, renewTime: '2026-01-01T00:00:02.000000Z' });
  });

  it('leaves no holder behind', () => {
    expect(giveUp({ holderIdentity: 'me', leaseTransitions: 5 }, now)).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 5,
    });
  });
});
