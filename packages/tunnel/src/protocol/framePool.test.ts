// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { FramePool } from './framePool.ts';

describe('FramePool', () => {
  it('uses a large buffer again, and only once at a time', () => {
    const pool = new FramePool();
    const frame = pool.take(60_000);
    pool.give(frame);
    pool.give(frame);
    expect(pool.size).toBe(1);
    expect(pool.take(65_541).buffer).toBe(frame.buffer);
    expect(pool.take(65_541).buffer).not.toBe(frame.buffer);
  });

  it('leaves alone what is small, huge or not its own', () => {
    const pool = new FramePool();
    for (const buffer of [pool.take(100), pool.take(1_000_000), Buffer.alloc(60_000)]) pool.give(buffer);
    expect(pool.size).toBe(0);
  });

  it('keeps no more than a megabyte', () => {
    const pool = new FramePool();
    const frames = Array.from({ length: 100 }, () => pool.take(60_000));
    for (const frame of frames) pool.give(frame);
    expect(pool.size).toBe(16);
  });
});
