// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What {@link quietCollector} looks at and does; the real things of this process by default. */
export interface Heap {
  /** Share of the time since the last call in which the process was busy, 0 to 1. */
  utilization: () => number;
  /** Bytes in use, garbage included. */
  used: () => number;
  collect: () => void;
}

const everyMs = 10_000;
/** Thousands of idle tunnels and informers keep a process busy to a tenth or two. */
const quietBelow = 0.3;
/** Less than this share of garbage is not worth a collection. */
const garbageShare = 0.1;
/** About 1 ms of standstill for each MB. Larger heaps are left to V8, which collects in steps. */
const largestBytes = 256 * 1024 * 1024;

/**
 * Collects garbage once a burst of work is over: V8 does so only as it allocates, so that a service at rest would hold the garbage of its
 * last burst, easily a quarter of its heap, for hours.
 *
 * @returns what ends that
 */
export function collectWhenQuiet(): () => void {
  const tick = quietCollector(realHeap());
  const timer = setInterval(tick, everyMs).unref();
  return () => clearInterval(timer);
}

/** Looks at the heap each time it is called, and collects where that is due. */
export function quietCollector({ utilization, used, collect }: Heap): () => void {
  let inUse = 0;
  return () => {
    const bytes = used();
    if (utilization() >= quietBelow || bytes > largestBytes || bytes < inUse * (1 + garbageShare)) return;
    collect();
    inUse = used();
  };
}

function realHeap(): Heap {
  let last = performance.eventLoopUtilization();
  // A context made while the flag is set has the function; nothing else of the process sees it.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return {
    utilization: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    used: () => process.memoryUsage().heapUsed,
    collect: () => collect(),
  };
}
