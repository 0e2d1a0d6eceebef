// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedClusterStatus, type ReplicaRequirements } from '@clusternet/api-types';
import { type Amounts, amountsOf } from './quantity.ts';

/** What a replica counts for that asks for nothing, as the scheduler of Kubernetes takes it: 100m of CPU and 200 MiB. */
export const NOMINAL_REQUEST: Amounts = { cpu: 100, memory: 200 * 2 ** 20 * 1000 };

/** The highest number of replicas that an API object can hold. */
export const MAX_REPLICAS = 2 ** 31 - 1;

/** What one replica takes: its requests, limits standing in where there is no request, and one pod. */
export function requestOf(requirements: ReplicaRequirements | undefined): Amounts {
  const { requests, limits } = requirements?.resources ?? {};
  const asked = { ...amountsOf(limits), ...amountsOf(requests) };
  const some = Object.values(asked).some((amount) => amount > 0);
  return { ...(some ? asked : NOMINAL_REQUEST), pods: 1000 };
}

/**
 * How many more replicas fit into a cluster by what its agent reports: what its nodes offer, less what is used or promised, whichever
 * is more. Undefined when it reports nothing. It knows of no single node, so it is an upper bound; a predictor in the child is exact.
 */
export function estimate(
  clusterStatus: Pick<ManagedClusterStatus, 'allocatable' | 'resourceUsage'> | undefined,
  { request, promised }: { request: Amounts; promised: Amounts },
): number | undefined {
  if (clusterStatus?.allocatable === undefined || Object.keys(clusterStatus.allocatable).length === 0) return undefined;
  const offered = amountsOf(clusterStatus.allocatable);
  const { cpuUsage, memoryUsage } = clusterStatus.resourceUsage ?? {};
  const used = amountsOf({
    ...(cpuUsage === undefined ? {} : { cpu: cpuUsage }),
    ...(memoryUsage === undefined ? {} : { memory: memoryUsage }),
  });
  let room = MAX_REPLICAS;
  for (const [resource, amount] of Object.entries(request)) {
    if (amount <= 0) continue;
    const total = offered[resource];
    // Agents report what every cluster has; a resource with a vendor's name that is not reported is not there.
    if (total === undefined) room = resource.includes('/') ? 0 : room;
    else room = Math.min(room, Math.floor((total - Math.max(used[resource] ?? 0, promised[resource] ?? 0)) / amount));
  }
  return Math.max(0, room);
}

/** How many replicas of one kind the given amounts take the place of, rounded up. */
export function displaced(amounts: Amounts, request: Amounts): number {
  let most = 0;
  for (const [resource, amount] of Object.entries(request)) {
    if (amount > 0) most = Math.max(most, Math.ceil((amounts[resource] ?? 0) / amount));
  }
  return most;
}
