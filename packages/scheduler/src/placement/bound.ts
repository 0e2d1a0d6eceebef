// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { feedKey, type FeedInventory, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { type ReplicaFeed } from '../framework/plugin.ts';

/** A cluster that vanished stays bound for so long unless said otherwise: the hub makes a deleted ManagedCluster anew within moments. */
export const VANISHED_GRACE_MS = 30_000;

/** Key of a cluster in `status.bindingClusters`. */
export function clusterKey(cluster: ManagedCluster): string {
  return `${cluster.metadata.namespace}/${cluster.metadata.name}`;
}

/** Where a Subscription is now, and how many replicas of each feed it has there. */
export class Bound {
  readonly clusters: readonly string[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #replicas: Readonly<Record<string, readonly number[]>>;

  constructor({ status }: Subscription) {
    this.clusters = status?.bindingClusters ?? [];
    this.#index = new Map(this.clusters.map((key, i) => [key, i]));
    this.#replicas = status?.replicas ?? {};
  }

  has(cluster: string): boolean {
    return this.#index.has(cluster);
  }

  replicasIn(feed: string, cluster: string): number {
    const at = this.#index.get(cluster);
    const replicas = at === undefined || !Object.hasOwn(this.#replicas, feed) ? undefined : this.#replicas[feed]?.[at];
    return Math.max(0, replicas ?? 0);
  }

  /** `status.replicas` as it is, for these of the bound clusters. */
  listsFor(clusters: readonly string[]): Record<string, number[]> | undefined {
    const feeds = Object.entries(this.#replicas);
    if (feeds.length === 0) return undefined;
    return Object.fromEntries(
      feeds.map(([feed, list]) => [feed, list.length === 0 ? [] : clusters.map((cluster) => this.replicasIn(feed, cluster))]),
    );
  }
}

/** The feeds that have replicas, with how many are wanted. */
export function replicaFeeds(inventory: FeedInventory | undefined): ReplicaFeed[] {
  return (inventory?.spec.feeds ?? [])
    .filter(({ desiredReplicas }) => desiredReplicas !== undefined)
    .map((order) => ({ key: feedKey(order), order, desired: order.desiredReplicas ?? 0 }));
}
