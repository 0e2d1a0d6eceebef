// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { Slots } from './slots.ts';

const fill = (slots: Slots, user: string, count: number) =>
  Array.from({ length: count }, () => {
    const slot = slots.take();
    slot.assign(user);
    return slot;
  });

describe('Slots', () => {
  it('refuses with 429 and Retry-After when all are taken, and has room again after a release', () => {
    const slots = new Slots({ max: 2, maxPerUser: 2, what: 'requests' });
    const [first] = [slots.take(), slots.take()];
    expect(() => slots.take()).toThrow(expect.objectContaining({ code: 429, retryAfterSeconds: 1 }));
    first.release();
    first.release();
    expect(slots.taken).toBe(1);
    slots.take();
  });

  it('holds a user to its own bound', () => {
    const slots = new Slots({ max: 100, maxPerUser: 3, what: 'requests' });
    fill(slots, 'a', 3);
    expect(() => fill(slots, 'a', 1)).toThrow(expect.objectContaining({ code: 429 }));
    expect(slots.taken).toBe(3);
    fill(slots, 'b', 3);
  });

  it('keeps the last quarter for those who hold less than their share', () => {
    const slots = new Slots({ max: 100, maxPerUser: 100, what: 'requests' });
    fill(slots, 'quiet', 1);
    fill(slots, 'loud', 73);
    expect(() => fill(slots, 'loud', 1)).toThrow('this user has too many requests');
    fill(slots, 'quiet', 10);
    fill(slots, 'new', 10);
  });

  it('forgets users who hold nothing', () => {
    const slots = new Slots({ max: 4, maxPerUser: 4, what: 'requests' });
    for (let user = 0; user < 100; user++) for (const slot of fill(slots, `u${user}`, 1)) slot.release();
    fill(slots, 'a', 4);
    expect(slots.taken).toBe(4);
  });
});
