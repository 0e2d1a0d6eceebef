// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { collectWhenQuiet, quietCollector } from './collectWhenQuiet.ts';

const megabyte = 1024 * 1024;

/** A heap of so many megabytes, of which the garbage goes when it is collected. */
function heapOf(live: number, garbage: number) {
  const heap = { live, garbage, busy: 0, collections: 0 };
  const tick = quietCollector({
    utilization: () => heap.busy,
    used: () => (heap.live + heap.garbage) * megabyte,
    collect: () => {
      heap.collections++;
      heap.garbage = 0;
    },
  });
  return { heap, tick };
}

describe('quietCollector', () => {
  it('collects once after a burst, and again only when there is garbage again', () => {
    const { heap, tick } = heapOf(40, 20);
    for (let n = 0; n < 3; n++) tick();
    expect(heap.collections).toBe(1);
    heap.garbage = 3;
    tick();
    expect(heap.collections).toBe(1);
    heap.garbage = 5;
    tick();
    expect(heap.collections).toBe(2);
  });

  it('waits while the process is busy', () => {
    const { heap, tick } = heapOf(40, 20);
    heap.busy = 0.5;
    tick();
    expect(heap.collections).toBe(0);
    heap.busy = 0.01;
    tick();
    expect(heap.collections).toBe(1);
  });

  it('leaves large heaps alone, which would stand still for long', () => {
    const { heap, tick } = heapOf(300, 200);
    tick();
    expect(heap.collections).toBe(0);
  });

  it('can be started and ended', () => {
    collectWhenQuiet()();
  });
});
