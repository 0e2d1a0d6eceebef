// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { FlapGuard } from './flapGuard.ts';

const never = (): number => 0;

describe('FlapGuard', () => {
  const make = (): FlapGuard =>
    new FlapGuard({ free: 2, backoff: { initialMs: 1_000, maxMs: 8_000, jitter: 0 }, quietMs: 60_000 });

  it('lets the first repairs through at once', () => {
    const guard = make();
    expect(guard.check('x', 0)).toEqual({ waitMs: 0, flapping: false });
    guard.repaired('x', 0, never);
    expect(guard.check('x', 1)).toEqual({ waitMs: 0, flapping: false });
  });

  it('waits longer with each further repair, up to a bound', () => {
    const guard = make();
    const waits: number[] = [];
    for (let i = 0, now = 0; i < 7; i++) {
      guard.repaired('x', now, never);
      const { waitMs } = guard.check('x', now);
      waits.push(waitMs);
      now += waitMs;
    }
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    expect(guard.flapping(20_000)).toEqual(['x']);
  });

  it('forgets after a quiet time', () => {
    const guard = make();
    for (let i = 0; i < 4; i++) guard.repaired('x', i, never);
    expect(guard.check('x', 200_000)).toEqual({ waitMs: 0, flapping: false });
    expect(guard.flapping(200_000)).toEqual([]);
  });

  it('judges each object alone', () => {
    const guard = make();
    for (let i = 0; i < 4; i++) guard.repaired('x', i, never);
    expect(guard.check('y', 5).flapping).toBe(false);
  });
});
