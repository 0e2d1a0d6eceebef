// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed } from '@clusternet/api-types';

type Counters = Record<string, unknown>;

/**
 * Whether an object that was applied does its work, as far as its kind lets tell:
 *
 * - Deployment, StatefulSet, ReplicaSet: its controller has seen it and every pod it has is up to date and ready;
 * - DaemonSet: the same for every node it is meant for;
 * - Job: it is complete;
 * - anything else: none of its conditions Ready, Available and Established is False.
 */
export function isAvailable(feed: Feed, observed: unknown): boolean {
  const status = (typeof observed === 'object' && observed !== null ? observed : {}) as Counters;
  const n = (field: string): number => count(status[field]);
  switch (groupKind(feed)) {
    case 'apps/Deployment':
      return (
        n('observedGeneration') > 0 &&
        n('unavailableReplicas') === 0 &&
        n('updatedReplicas') >= n('replicas') &&
        n('availableReplicas') >= n('replicas')
      );
    case 'apps/StatefulSet':
      return (
        n('observedGeneration') > 0 &&
        n('readyReplicas') >= n('replicas') &&
        (status.currentRevision === status.updateRevision || n('updatedReplicas') >= n('replicas'))
      );
    case 'apps/ReplicaSet':
      return n('observedGeneration') > 0 && n('availableReplicas') >= n('replicas');
    case 'apps/DaemonSet':
      return (
        n('observedGeneration') > 0 &&
        n('numberAvailable') >= n('desiredNumberScheduled') &&
        n('updatedNumberScheduled') >= n('desiredNumberScheduled')
      );
    case 'batch/Job':
      return hasCondition(status, ['Complete', 'SuccessCriteriaMet'], 'True');
    default:
      return !hasCondition(status, ['Ready', 'Available', 'Established'], 'False');
  }
}

function hasCondition(status: Counters, types: string[], value: string): boolean {
  if (!Array.isArray(status.conditions)) return false;
  return (status.conditions as { type?: unknown; status?: unknown }[]).some(
    (condition) => types.includes(String(condition?.type)) && condition.status === value,
  );
}

/** Group and kind, whatever the version. */
function groupKind({ apiVersion, kind }: Pick<Feed, 'apiVersion' | 'kind'>): string {
  return `${apiVersion.split('/')[0] ?? ''}/${kind}`;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
