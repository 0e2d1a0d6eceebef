// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesSelector, type LabelSelector, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { type Indexer } from '@clusternet/runtime';
import { clusterKey } from './placement/bound.ts';

const bySelection = 'selection';
const byBinding = 'binding';
/** Entry of selectors that name no label with its value. */
const anyLabel = '*';

/** Indexes that an informer of Subscriptions must have, so that a change of one cluster looks only at those it may concern. */
export const subscriptionIndexers: Record<string, Indexer<Subscription>> = {
  [bySelection]: ({ spec }) => [...new Set(spec.subscribers.map(({ clusterAffinity }) => entryOf(clusterAffinity)))],
  [byBinding]: ({ status }) => [...new Set(status?.bindingClusters)],
};

/** Subscriptions by these indexes. */
export interface SubscriptionIndex {
  byIndex(index: string, value: string): Subscription[];
}

/** The Subscriptions that select the cluster, or are bound to it. */
export function concernedBy(cluster: ManagedCluster, subscriptions: SubscriptionIndex): Subscription[] {
  const { labels } = cluster.metadata;
  const entries = [anyLabel, ...Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)];
  const candidates = entries.flatMap((entry) => subscriptions.byIndex(bySelection, entry));
  const bound = subscriptions.byIndex(byBinding, clusterKey(cluster));
  return [...new Set([...candidates.filter((subscription) => selects(subscription, labels)), ...bound])];
}

/** One label that a cluster must have to be selected is enough to find the selector by. */
function entryOf(selector: LabelSelector): string {
  const [pair] = Object.entries(selector.matchLabels ?? {});
  return pair === undefined ? anyLabel : pair.join('=');
}

/** Whether one of the subscribers selects a cluster with these labels. */
export function selects({ spec }: Subscription, labels: Record<string, string> | undefined): boolean {
  try {
    return spec.subscribers.some(({ clusterAffinity }) => matchesSelector(clusterAffinity, labels));
  } catch {
    // A selector that cannot be read is told about when the Subscription itself is decided.
    return false;
  }
}
