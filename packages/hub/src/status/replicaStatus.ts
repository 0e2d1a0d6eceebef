// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed, type FeedStatus } from '@clusternet/api-types';

/** Counters of one workload, zero values left out. */
export type ReplicaStatus = NonNullable<FeedStatus['replicaStatus']>;

type Counters = Record<string, unknown>;

// For each workload kind: counter in a Subscription <- field of the status in the child.
const sameNames = (...names: (keyof ReplicaStatus)[]): Partial<Record<keyof ReplicaStatus, string>> =>
  Object.fromEntries(names.map((name) => [name, name]));
const mappings: Record<string, Partial<Record<keyof ReplicaStatus, string>>> = {
  'apps/Deployment': sameNames(
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
  ),
  'apps/StatefulSet': sameNames(
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'currentReplicas',
    'readyReplicas',
    'availableReplicas',
  ),
  'apps/ReplicaSet': sameNames('observedGeneration', 'replicas', 'readyReplicas', 'availableReplicas'),
  'apps/DaemonSet': {
    observedGeneration: 'observedGeneration',
    replicas: 'desiredNumberScheduled',
    updatedReplicas: 'updatedNumberScheduled',
    currentReplicas: 'currentNumberScheduled',
    readyReplicas: 'numberReady',
    availableReplicas: 'numberAvailable',
    unavailableReplicas: 'numberUnavailable',
  },
  'batch/Job': sameNames('active', 'succeeded', 'failed'),
};

const summed = [
  'replicas',
  'updatedReplicas',
  'currentReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'active',
  'succeeded',
  'failed',
] as const satisfies (keyof ReplicaStatus)[];

/** Group and kind, whatever the version: a newer one keeps its counters, or at worst shows none. */
function groupKind({ apiVersion, kind }: Pick<Feed, 'apiVersion' | 'kind'>): string {
  return `${apiVersion.split('/')[0] ?? ''}/${kind}`;
}

/** The counters of a workload as its cluster shows them; `undefined` for kinds without. Odd values are left out. */
export function replicaStatusOf(feed: Feed, observed: unknown): ReplicaStatus | undefined {
  const mapping = mappings[groupKind(feed)];
  if (!mapping) return undefined;
  const status = (typeof observed === 'object' && observed !== null ? observed : {}) as Counters;
  const result: ReplicaStatus = {};
  for (const [counter, field] of Object.entries(mapping) as [keyof ReplicaStatus, string][]) {
    const value = count(status[field]);
    if (value > 0) result[counter] = value;
  }
  return result;
}

/** Sums of the counters; of observedGeneration the highest. */
export function sumReplicaStatus(list: readonly ReplicaStatus[]): ReplicaStatus {
  const total: ReplicaStatus = {};
  for (const counter of summed) {
    const sum = list.reduce((value, item) => value + (item[counter] ?? 0), 0);
    if (sum > 0) total[counter] = Math.min(sum, 2 ** 31 - 1);
  }
  const generation = Math.max(0, ...list.map(({ observedGeneration = 0 }) => observedGeneration));
  if (generation > 0) total.observedGeneration = generation;
  return total;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
