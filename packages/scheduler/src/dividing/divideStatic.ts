// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { quotas } from './apportion.ts';

/** One cluster in a static division. */
export interface WeightedCluster {
  /** Sum of the weights of the subscribers that select it; 0 gets nothing. */
  weight: number;
  /** Replicas it has now. */
  current: number;
  /** Takes no more than it has: it may keep what runs, and no new work is to come. */
  frozen: boolean;
}

/**
 * Divides by weight. Each cluster gets its quota rounded down or up. The first time the rounding favours the heavier, then the
 * earlier; later it favours those who have the replica already, so that a change moves as few as the weights allow.
 *
 * @returns replicas aligned with `clusters`; their sum is `total` unless the frozen clusters alone have a weight, and then it is less
 */
export function divideStatic(total: number, clusters: readonly WeightedCluster[]): number[] {
  const result = clusters.map(() => 0);
  let active = clusters.map((_, i) => i).filter((i) => (clusters[i]?.weight ?? 0) > 0);
  let rest = total;
  while (active.length > 0) {
    const shares = share(
      rest,
      active.map((i) => clusters[i] ?? nobody),
    );
    const over = active.filter((i, at) => clusters[i]?.frozen === true && (shares[at] ?? 0) > clusters[i].current);
    if (over.length === 0) {
      for (const [at, i] of active.entries()) result[i] = shares[at] ?? 0;
      break;
    }
    // What a frozen cluster cannot take goes to the others by their weights, and may take the next one over its bound.
    for (const i of over) {
      result[i] = clusters[i]?.current ?? 0;
      rest -= result[i] ?? 0;
    }
    active = active.filter((i) => !over.includes(i));
  }
  return result;
}

const nobody: WeightedCluster = { weight: 0, current: 0, frozen: false };

function share(total: number, clusters: readonly WeightedCluster[]): number[] {
  const { floors, left } = quotas(
    total,
    clusters.map(({ weight }) => weight),
  );
  const has = (i: number) => ((clusters[i]?.current ?? 0) > (floors[i] ?? 0) ? 1 : 0);
  const order = clusters.map((_, i) => i);
  order.sort((a, b) => has(b) - has(a) || (clusters[b]?.weight ?? 0) - (clusters[a]?.weight ?? 0) || a - b);
  for (const i of order.slice(0, left)) floors[i] = (floors[i] ?? 0) + 1;
  return floors;
}
