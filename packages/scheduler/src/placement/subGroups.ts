// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesSelector, type SubscriptionSpec } from '@clusternet/api-types';
import { type FeasibleCluster } from '../framework/plugin.ts';

/**
 * Takes `minClusters` of the clusters of each subscriber: those in use first, then by score, then by name. A cluster that two
 * subscribers select counts for the first of them.
 */
export function chooseSubGroups(
  { subscribers }: Pick<SubscriptionSpec, 'subscribers'>,
  clusters: readonly FeasibleCluster[],
  isBound: (cluster: string) => boolean,
): { chosen: FeasibleCluster[]; shortfalls: string[] } {
  const bound = (key: string) => (isBound(key) ? 1 : 0);
  const order = clusters.toSorted((a, b) => bound(b.key) - bound(a.key) || b.score - a.score || (a.key < b.key ? -1 : 1));
  const taken = new Set<string>();
  const shortfalls: string[] = [];
  for (const [i, { clusterAffinity, subGroupStrategy }] of subscribers.entries()) {
    const wanted = subGroupStrategy?.minClusters ?? 0;
    const group = order
      .filter(({ key, cluster }) => !taken.has(key) && matchesSelector(clusterAffinity, cluster.metadata.labels))
      .slice(0, wanted);
    for (const { key } of group) taken.add(key);
    if (group.length < wanted)
      shortfalls.push(`spec.subscribers[${i}] asks for ${wanted} clusters and ${group.length} are available`);
  }
  return { chosen: clusters.filter(({ key }) => taken.has(key)), shortfalls };
}
