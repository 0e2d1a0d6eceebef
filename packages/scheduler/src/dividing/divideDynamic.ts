// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { byPlace, type Room } from './room.ts';
import { apportion } from './apportion.ts';
import { divideOverDomains, type SpreadConstraint } from './divideOverDomains.ts';

/** What a dynamic division of one feed depends on. */
export interface DynamicInput {
  desired: number;
  clusters: readonly Room[];
  strategy: 'Spread' | 'Binpack';
  /** Fewest clusters that get a replica, as far as there are replicas. */
  minClusters?: number;
  constraints?: readonly SpreadConstraint[];
}

/** Replicas aligned with the clusters, and how many found no place. */
export interface DynamicShare {
  replicas: number[];
  short: number;
}

/**
 * Divides by what the clusters can take. What is in place stays: only the difference between the wanted and the present number is
 * put somewhere or taken away, so no replica moves that need not.
 *
 * - Spread adds in proportion to the room of each cluster and takes away in proportion to what each has.
 * - Binpack fills the clusters in use first, then as few others as possible, and empties the smallest first.
 *
 * Clusters of a higher tier are filled before those of a lower one.
 */
export function divideDynamic(input: DynamicInput): DynamicShare {
  const { desired, clusters, constraints = [] } = input;
  const share = constraints.length > 0 ? divideOverDomains({ ...input, constraints }) : { replicas: byRoom(input), short: 0 };
  const placed = share.replicas.reduce((a, b) => a + b, 0);
  if (constraints.length === 0 && input.minClusters !== undefined) widen(share.replicas, clusters, input.minClusters);
  return { replicas: share.replicas, short: desired - placed };
}

function byRoom({ desired, clusters, strategy }: DynamicInput): number[] {
  const replicas = clusters.map(({ current }) => current);
  const present = replicas.reduce((a, b) => a + b, 0);
  if (desired < present) {
    const excess = present - desired;
    const taken = strategy === 'Spread' ? apportion(excess, replicas) : emptied(excess, clusters);
    return replicas.map((count, i) => count - (taken[i] ?? 0));
  }
  const given = strategy === 'Spread' ? spread(desired - present, clusters) : packed(desired - present, clusters);
  return replicas.map((count, i) => count + (given[i] ?? 0));
}

function spread(count: number, clusters: readonly Room[]): number[] {
  const given = clusters.map(() => 0);
  let rest = count;
  for (const tier of tiers(clusters)) {
    const members = clusters.map((_, i) => i).filter((i) => clusters[i]?.tier === tier);
    members.sort((a, b) => byPlace(clusters[a], clusters[b]));
    const room = members.map((i) => clusters[i]?.free ?? 0);
    const shares = apportion(
      Math.min(
        rest,
        room.reduce((a, b) => a + b, 0),
      ),
      room,
    );
    for (const [at, i] of members.entries()) given[i] = shares[at] ?? 0;
    rest -= shares.reduce((a, b) => a + b, 0);
  }
  return given;
}

function packed(count: number, clusters: readonly Room[]): number[] {
  const given = clusters.map(() => 0);
  let rest = count;
  const take = (i: number): void => {
    const amount = Math.min(rest, clusters[i]?.free ?? 0);
    given[i] = amount;
    rest -= amount;
  };
  const indexes = clusters.map((_, i) => i);
  const roomiest = (a: number, b: number) =>
    (clusters[b]?.free ?? 0) - (clusters[a]?.free ?? 0) || byPlace(clusters[a], clusters[b]);
  const inUse = indexes.filter((i) => clusters[i]?.used === true || (clusters[i]?.current ?? 0) > 0);
  for (const i of inUse.sort((a, b) => (clusters[b]?.tier ?? 0) - (clusters[a]?.tier ?? 0) || roomiest(a, b))) take(i);
  for (const tier of tiers(clusters)) {
    const others = indexes.filter((i) => clusters[i]?.tier === tier && !inUse.includes(i)).sort(roomiest);
    while (rest > 0 && others.length > 0) {
      // The largest first needs the fewest; the last one is the smallest that holds the rest.
      const fitting = others.findLastIndex((i) => (clusters[i]?.free ?? 0) >= rest);
      const [next] = others.splice(Math.max(0, fitting), 1);
      if (next !== undefined) take(next);
    }
  }
  return given;
}

function emptied(excess: number, clusters: readonly Room[]): number[] {
  const taken = clusters.map(() => 0);
  let rest = excess;
  const order = clusters
    .map((_, i) => i)
    .sort(
      (a, b) =>
        (clusters[a]?.tier ?? 0) - (clusters[b]?.tier ?? 0) ||
        (clusters[a]?.current ?? 0) - (clusters[b]?.current ?? 0) ||
        byPlace(clusters[b], clusters[a]),
    );
  for (const i of order) {
    taken[i] = Math.min(rest, clusters[i]?.current ?? 0);
    rest -= taken[i] ?? 0;
  }
  return taken;
}

/** Moves single replicas from where most are to clusters without any, until enough clusters have one. */
function widen(replicas: number[], clusters: readonly Room[], minClusters: number): void {
  const empty = clusters.map((_, i) => i).filter((i) => replicas[i] === 0 && (clusters[i]?.free ?? 0) > 0);
  empty.sort((a, b) => (clusters[b]?.tier ?? 0) - (clusters[a]?.tier ?? 0) || byPlace(clusters[a], clusters[b]));
  let lacking = minClusters - replicas.filter((count) => count > 0).length;
  for (const i of empty) {
    const most = replicas.reduce((best, count, at) => (count > (replicas[best] ?? 0) ? at : best), 0);
    if (lacking <= 0 || (replicas[most] ?? 0) < 2) return;
    replicas[most] = (replicas[most] ?? 0) - 1;
    replicas[i] = 1;
    lacking--;
  }
}

function tiers(clusters: readonly Room[]): number[] {
  return [...new Set(clusters.map(({ tier }) => tier))].sort((a, b) => b - a);
}
