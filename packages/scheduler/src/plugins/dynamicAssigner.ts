// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type SubscriptionSpec } from '@clusternet/api-types';
import { chooseClusters } from '../dividing/chooseClusters.ts';
import { divideDynamic } from '../dividing/divideDynamic.ts';
import { type SpreadConstraint } from '../dividing/divideOverDomains.ts';
import { type Room } from '../dividing/room.ts';
import { type Cycle, type ClusterInfo, type FeasibleCluster, type Plugin, type TargetClusters } from '../framework/plugin.ts';
import { type Status, status, unschedulable } from '../framework/status.ts';
import { preference } from './preferredClusters.ts';
import { avoided } from './taintToleration.ts';
import { replicaLists, shortfall } from './targets.ts';

type DynamicDividing = NonNullable<NonNullable<SubscriptionSpec['dividingScheduling']>['dynamicDividing']>;

/** Divides replicas by what the clusters can take. Clusters that get none of any feed are not bound. */
export const dynamicAssigner: Plugin = {
  name: 'DynamicAssigner',

  prePredict(cycle: Cycle, clusters: readonly ClusterInfo[]): Status | undefined {
    const options = optionsOf(cycle.subscription.spec);
    if (options === undefined) return { code: 'Skip' };
    const { topologySpreadConstraints = [], minClusters, maxClusters } = options;
    // A constraint may move replicas though their number is right.
    if (topologySpreadConstraints.length > 0 || minClusters !== undefined || maxClusters !== undefined) return undefined;
    const grows = cycle.feeds.some(
      ({ key, desired }) => clusters.reduce((sum, { key: cluster }) => sum + cycle.currentReplicas(key, cluster), 0) < desired,
    );
    return grows ? undefined : { code: 'Skip' };
  },

  preAssign(cycle: Cycle, clusters: readonly FeasibleCluster[]): Status | undefined {
    const options = optionsOf(cycle.subscription.spec);
    if (options === undefined) return { code: 'Skip' };
    const { minClusters = 0, maxClusters, topologySpreadConstraints = [] } = options;
    if (maxClusters !== undefined && maxClusters < 1) return invalid(`maxClusters is ${maxClusters}, and has to be 1 or more`);
    if (minClusters < 0) return invalid(`minClusters is ${minClusters}, and has to be 0 or more`);
    for (const { topologyKey, maxSkew, whenUnsatisfiable } of topologySpreadConstraints) {
      if (topologyKey === '') return invalid('a topologySpreadConstraint needs a topologyKey');
      if (maxSkew < 1) return invalid(`maxSkew of topologyKey ${topologyKey} is ${maxSkew}, and has to be 1 or more`);
      if (!['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable)) {
        return invalid(`whenUnsatisfiable of topologyKey ${topologyKey} has to be DoNotSchedule or ScheduleAnyway`);
      }
    }
    if (clusters.length > 0 && clusters.length < minClusters) {
      return unschedulable(`minClusters is ${minClusters}, and ${clusters.length} are available`);
    }
    return undefined;
  },

  assign(cycle: Cycle, clusters: readonly FeasibleCluster[]): TargetClusters | Status {
    const options = optionsOf(cycle.subscription.spec);
    if (options === undefined) return { code: 'Skip' };
    try {
      return assigned(cycle, clusters, options);
    } catch (error) {
      if (error instanceof RangeError) return unschedulable(error.message);
      throw error;
    }
  },
};

function assigned(cycle: Cycle, clusters: readonly FeasibleCluster[], options: DynamicDividing): TargetClusters {
  const { strategy = 'Spread', minClusters = 0, maxClusters } = options;
  const chosen =
    maxClusters === undefined
      ? undefined
      : chooseClusters(summedRooms(cycle, clusters), { max: maxClusters, desired: totalOf(cycle) });
  const open = chosen === undefined ? clusters : clusters.filter(({ key }) => chosen.has(key));
  const tiers = tiersOf(cycle, open);
  const constraints = constraintsOf(options);
  const used = new Set<string>();
  // What one feed takes of a cluster is not there for the next: the share of its room that is left.
  const left = new Map<string, number>();
  const shortfalls: string[] = [];
  const shares = new Map<string, number[]>();
  for (const { key: feed, desired } of cycle.feeds) {
    const rooms = open.map((cluster, i) => roomOf(cycle, cluster, { feed, tier: tiers[i] ?? 0, left, used }));
    const { replicas, short } = divideDynamic({ desired, clusters: rooms, strategy, minClusters, constraints });
    shares.set(feed, replicas);
    for (const [i, { key, current, free }] of rooms.entries()) {
      const count = replicas[i] ?? 0;
      if (count > 0) used.add(key);
      if (count > current && free > 0) left.set(key, (left.get(key) ?? 1) * (1 - (count - current) / free));
    }
    if (short > 0) shortfalls.push(shortfall({ key: feed, desired, short }, whyShort(options, open, rooms)));
  }
  return trimmed(cycle, open, { shares, shortfalls, atLeast: minClusters });
}

/** Leaves out the clusters that got nothing, unless there is nothing to get or a constraint wants them. */
function trimmed(
  cycle: Cycle,
  open: readonly FeasibleCluster[],
  { shares, shortfalls, atLeast }: { shares: Map<string, number[]>; shortfalls: string[]; atLeast: number },
): TargetClusters {
  const busy = open.map((_, i) => [...shares.values()].some((share) => (share[i] ?? 0) > 0));
  const idle = open.map((_, i) => i).filter((i) => busy[i] !== true);
  const bound = (i: number) => (cycle.isBound(open[i]?.key ?? '') ? 1 : 0);
  idle.sort((a, b) => bound(b) - bound(a) || (open[b]?.score ?? 0) - (open[a]?.score ?? 0) || a - b);
  const busyCount = open.length - idle.length;
  const idleToKeep = (): number => {
    // Without any replicas to divide it goes everywhere, and with zero of them wanted it stays where it is.
    if (cycle.feeds.length === 0) return idle.length;
    if (totalOf(cycle) === 0) return Math.max(idle.filter((i) => bound(i) === 1).length, 1, atLeast);
    return busyCount > 0 ? Math.max(0, atLeast - busyCount) : 0;
  };
  const keep = idle.slice(0, idleToKeep());
  const kept = open.map((_, i) => i).filter((i) => busy[i] === true || keep.includes(i));
  const lists = new Map([...shares].map(([feed, share]) => [feed, kept.map((i) => share[i] ?? 0)]));
  return { bindingClusters: kept.map((i) => open[i]?.key ?? ''), replicas: replicaLists(cycle, lists), shortfalls };
}

function roomOf(
  cycle: Cycle,
  { key, cluster, frozen, predicted, score }: FeasibleCluster,
  { feed, tier, left, used }: { feed: string; tier: number; left: ReadonlyMap<string, number>; used: ReadonlySet<string> },
): Room {
  const room = frozen ? 0 : Math.floor((predicted?.[feed] ?? 0) * (left.get(key) ?? 1) + 1e-9);
  const { labels } = cluster.metadata;
  return { key, current: cycle.currentReplicas(feed, key), free: Math.max(0, room), tier, score, used: used.has(key), labels };
}

/** Each cluster over all feeds, for the choice of a few clusters. */
function summedRooms(cycle: Cycle, clusters: readonly FeasibleCluster[]): Room[] {
  const tiers = tiersOf(cycle, clusters);
  return clusters.map(({ key, frozen, predicted, score }, i) => {
    let current = 0;
    let free = 0;
    for (const { key: feed, desired } of cycle.feeds) {
      current += cycle.currentReplicas(feed, key);
      free += frozen ? 0 : Math.min(predicted?.[feed] ?? 0, desired);
    }
    return { key, current, free, tier: tiers[i] ?? 0, score };
  });
}

/** Clusters without an untolerated PreferNoSchedule taint come before all others; among equals, preferences decide. */
function tiersOf(cycle: Cycle, clusters: readonly FeasibleCluster[]): number[] {
  const { spec } = cycle.subscription;
  return clusters.map(({ cluster }) => preference(spec, cluster) - avoided(spec, cluster) * 1e9);
}

function totalOf({ feeds }: Cycle): number {
  return feeds.reduce((sum, { desired }) => sum + desired, 0);
}

function constraintsOf({ topologySpreadConstraints = [] }: DynamicDividing): SpreadConstraint[] {
  return topologySpreadConstraints.map(({ topologyKey, maxSkew, minDomains, whenUnsatisfiable }) => ({
    topologyKey,
    maxSkew,
    minDomains,
    hard: whenUnsatisfiable === 'DoNotSchedule',
  }));
}

function optionsOf({ schedulingStrategy, dividingScheduling }: SubscriptionSpec): DynamicDividing | undefined {
  if (schedulingStrategy !== 'Dividing' || dividingScheduling?.type !== 'Dynamic') return undefined;
  return dividingScheduling.dynamicDividing ?? {};
}

function whyShort(options: DynamicDividing, open: readonly FeasibleCluster[], rooms: readonly Room[]): string {
  const room = rooms.reduce((sum, { free }) => sum + free, 0);
  const count = open.length === 1 ? 'the one available cluster' : `the ${open.length} available clusters`;
  if (room > 0 && constraintsOf(options).some(({ hard }) => hard)) return 'topologySpreadConstraints leave no place';
  const limit = options.maxClusters === undefined ? '' : ` that maxClusters ${options.maxClusters} leaves`;
  return `${count}${limit} had room for ${room} more`;
}

function invalid(message: string): Status {
  return status('UnschedulableAndUnresolvable', `spec.dividingScheduling.dynamicDividing: ${message}`);
}
