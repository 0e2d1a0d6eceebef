// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { backoffDelay } from './backoff.ts';

describe('backoffDelay', () => {
  it('grows by 30 % with each failure, up to its maximum', () => {
    const ceilings = [0, 1, 2, 100, 5000].map((failures) => backoffDelay(failures, 1, { initialMs: 1000, maxMs: 5000 }));
    expect(ceilings.map(Math.round)).toEqual([1000, 1300, 1690, 5000, 5000]);
  });

  it('brings a thousand clients of one lost server back over seconds, not at once, and all within 15 s of a short outage', () => {
    let seed = 1;
    // Park–Miller, so that the luck is the same each time.
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const outageMs = 2000;
    const back = Array.from({ length: 1000 }, () => {
      let at = backoffDelay(0, random());
      for (let failures = 1; at < outageMs; failures++) at += backoffDelay(failures, random());
      return at;
    });
    expect(Math.max(...back)).toBeLessThan(15_000);
    const busiest = Math.max(...back.map((start) => back.filter((at) => at >= start && at < start + 100).length));
    expect(busiest).toBeLessThan(100);
  });
});
