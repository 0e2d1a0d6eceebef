// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type AggregatedStatus, type Feed, feedKey, type FeedStatus } from '@clusternet/api-types';
import { type ClusterState } from './clusterState.ts';
import { type ReplicaStatus, sumReplicaStatus } from './replicaStatus.ts';

/** One bound cluster with its state. */
export interface ClusterReport {
  clusterId?: string;
  clusterName: string;
  state: ClusterState;
}

/**
 * Most details that one Subscription holds, feeds times clusters. One takes up to about 350 bytes, and an object may
 * have 1.5 MB.
 */
export const maxDetails = 2_000;

/**
 * The status of each feed over all clusters: the summary counts every cluster; the details, in the order of the
 * bindings, are cut to `limit` in total, and then show the clusters where the feed is not available before the others.
 *
 * @returns `omitted`: clusters left out of the details of each feed
 */
export function aggregate(
  feeds: readonly Feed[],
  clusters: readonly ClusterReport[],
  limit = maxDetails,
): { aggregatedStatuses: AggregatedStatus[]; omitted: number } {
  const perFeed = feeds.length === 0 ? clusters.length : Math.min(clusters.length, Math.floor(limit / feeds.length));
  const aggregatedStatuses = feeds.map((feed) => {
    const key = feedKey(feed);
    const details = clusters.map(({ clusterId, clusterName, state }) => ({
      ...(clusterId ? { clusterId } : {}),
      clusterName,
      ...state.feeds.get(key),
    }));
    return { ...feed, feedStatusSummary: summarize(details), feedStatusDetails: pick(details, perFeed) };
  });
  return { aggregatedStatuses, omitted: clusters.length - perFeed };
}

function summarize(details: readonly FeedStatus[]): FeedStatus {
  const counted = details
    .map(({ replicaStatus }) => replicaStatus)
    .filter((status): status is ReplicaStatus => status !== undefined);
  const replicaStatus = sumReplicaStatus(counted);
  return {
    ...(details.length > 0 && details.every(({ available }) => available === true) ? { available: true } : {}),
    ...(Object.keys(replicaStatus).length > 0 ? { replicaStatus } : {}),
  };
}

function pick<T extends FeedStatus>(details: readonly T[], count: number): T[] {
  if (details.length <= count) return [...details];
  const chosen = new Set(
    [...details.keys()]
      .sort((a, b) => Number(details[a]?.available === true) - Number(details[b]?.available === true) || a - b)
      .slice(0, count),
  );
  return details.filter((_, index) => chosen.has(index));
}
