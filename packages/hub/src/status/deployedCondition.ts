// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { conditionTypes } from '@clusternet/api-types';
import { type NewCondition } from '@clusternet/runtime';
import { type ClusterReport } from './aggregate.ts';
import { type FeedProblem } from './clusterState.ts';

const maxNamed = 5;
const maxCause = 300;
const maxMessage = 2_048;

/** Sums up how the deployment stands. The message is bounded, and the same for the same state. */
export function deployedConditionOf(o: {
  clusters: readonly ClusterReport[];
  /** Clusters left out of the details. */
  omitted: number;
  scheduled: boolean;
  generation?: number;
}): NewCondition {
  const { clusters, omitted, scheduled, generation } = o;
  const suffix =
    omitted > 0
      ? `; details of ${omitted} of ${clusters.length} clusters are left out of aggregatedStatuses to bound its size`
      : '';
  const condition = (status: 'True' | 'False', reason: string, message: string): NewCondition => ({
    type: conditionTypes.deployed,
    status,
    reason,
    message: cut(message, maxMessage - suffix.length) + suffix,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  });
  if (!scheduled) return condition('False', 'NotScheduled', 'no scheduler has chosen clusters yet');
  const failures = clusters.flatMap(({ clusterName, state }) => state.problems.map((problem) => ({ clusterName, problem })));
  if (failures.length > 0) {
    const named = failures.slice(0, maxNamed).map(({ clusterName, problem }) => describe(clusterName, problem));
    const more = failures.length > maxNamed ? `; and ${failures.length - maxNamed} more` : '';
    return condition('False', 'FeedFailed', named.join('; ') + more);
  }
  const waiting = clusters.filter(({ state }) => !state.deployed).map(({ clusterName }) => clusterName);
  if (waiting.length > 0) {
    const more = waiting.length > maxNamed ? ` and ${waiting.length - maxNamed} more` : '';
    return condition('False', 'Progressing', `waits for ${waiting.slice(0, maxNamed).join(', ')}${more}`);
  }
  const all = clusters.length === 1 ? '1 cluster' : `${clusters.length} clusters`;
  return condition('True', 'AllFeedsDeployed', `all feeds are in ${all}`);
}

function describe(clusterName: string, { feed, reason, message, since }: FeedProblem): string {
  const what = feed ? `${feed.apiVersion} ${feed.kind} ${feed.namespace ? `${feed.namespace}/` : ''}${feed.name} in ` : '';
  return `${what}cluster ${clusterName}: ${reason}: ${cut(message, maxCause)}${since ? ` (since ${since})` : ''}`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
