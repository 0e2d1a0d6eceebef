// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  conditionTypes,
  type Description,
  labels,
  type ManagedCluster,
  type Subscription,
} from '@clusternet/api-types';
import { findCondition } from '@clusternet/runtime';
import { isDeleting } from '../kube/objects.ts';
import { clusterState } from '../status/clusterState.ts';
import { indexes, type Stores } from '../stores.ts';

/** What is looked at. */
export type MoveStores = Pick<Stores, 'bases' | 'descriptions' | 'managedClusters'>;

/** Which copies of an application go now, and which wait for the new ones. */
export interface Moves {
  now: Base[];
  waiting: Base[];
  /** When to look again even if nothing changes. */
  checkAfterMs?: number;
}

/**
 * Holds the removal of an application from a cluster that is being emptied while it is not up in the clusters that it moves to:
 * only where both ends are reached, and for so long at most. A change of the Subscription itself is never held.
 */
export class GracefulMoves {
  readonly #stores: MoveStores;
  readonly #longestMs: number;
  readonly #monotonic: () => number;
  /** When the removal was first held, by UID of the Base. */
  readonly #heldSince = new Map<string, number>();
  /** UIDs of Subscriptions with a removal that is held. */
  readonly #subscriptions = new Map<string, Set<string>>();

  /** @param longestMs - 0 for no grace at all */
  constructor(stores: MoveStores, longestMs: number, monotonic: () => number) {
    this.#stores = stores;
    this.#longestMs = longestMs;
    this.#monotonic = monotonic;
  }

  /** Whether something of the Subscription waits. */
  isWaiting(subscriptionUid: string): boolean {
    return this.#subscriptions.has(subscriptionUid);
  }

  /** Sorts the Bases that are to leave. `targets` are the dedicated namespaces where the application is to be. */
  sort(subscription: Subscription, leaving: readonly Base[], targets: readonly string[]): Moves {
    const uid = subscription.metadata.uid ?? '';
    const moves: Moves = { now: [], waiting: [] };
    const now = this.#monotonic();
    const up = leaving.length === 0 || targets.length === 0 || this.#isUp(subscription, targets);
    for (const base of leaving) {
      const id = base.metadata.uid ?? '';
      const since = this.#heldSince.get(id) ?? now;
      const leftMs = since + this.#longestMs - now;
      if (up || leftMs <= 0 || isDeleting(base) || !this.#isEmptied(base.metadata.namespace ?? '')) {
        moves.now.push(base);
        this.#heldSince.delete(id);
        continue;
      }
      this.#heldSince.set(id, since);
      moves.waiting.push(base);
      moves.checkAfterMs = Math.min(leftMs, moves.checkAfterMs ?? Infinity);
    }
    if (moves.waiting.length > 0) {
      this.#subscriptions.set(uid, new Set(moves.waiting.map(({ metadata }) => metadata.uid ?? '')));
    } else this.forget(uid);
    return moves;
  }

  /** A Subscription is gone, or nothing of it waits any more. */
  forget(subscriptionUid: string): void {
    for (const id of this.#subscriptions.get(subscriptionUid) ?? []) this.#heldSince.delete(id);
    this.#subscriptions.delete(subscriptionUid);
  }

  /** People or the hub have applications leave the cluster, and it still answers. */
  #isEmptied(namespace: string): boolean {
    const cluster = this.#clusterOf(namespace);
    return cluster !== undefined && isReady(cluster) && (cluster.spec.taints ?? []).some(({ effect }) => effect === 'NoExecute');
  }

  /** Everything runs in every target that answers. */
  #isUp(subscription: Subscription, targets: readonly string[]): boolean {
    const { feeds } = subscription.spec;
    const uid = subscription.metadata.uid ?? '';
    const bases = this.#stores.bases.byIndex(indexes.subscriptionUid, uid);
    const descriptions = this.#stores.descriptions.byIndex(indexes.subscriptionUid, uid);
    return targets.every((namespace) => {
      const cluster = this.#clusterOf(namespace);
      if (!cluster || !isReady(cluster)) return true;
      const base = bases.find(({ metadata }) => metadata.namespace === namespace);
      if (!base) return false;
      const own = descriptions.filter(
        ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[labels.configUid] === base.metadata.uid,
      );
      return (
        own.length > 0 &&
        own.every(isDone) &&
        (!own.some(reportsObjects) || clusterState({ feeds, base, descriptions: own }).available)
      );
    });
  }

  #clusterOf(namespace: string): ManagedCluster | undefined {
    return this.#stores.managedClusters.byIndex(indexes.namespace, namespace).find((cluster) => !isDeleting(cluster));
  }
}

function isReady({ status }: ManagedCluster): boolean {
  return findCondition(status?.conditions, conditionTypes.ready)?.status === 'True';
}

function isDone({ metadata, status }: Description): boolean {
  const current = status?.observedGeneration === undefined || status.observedGeneration === metadata.generation;
  return status?.phase === 'Success' && current;
}

/** Without the gate Recovery nobody tells how the objects do; that they were applied has to do. */
function reportsObjects({ status }: Description): boolean {
  return (status?.manifestStatuses ?? []).some(({ observedStatus }) => observedStatus !== undefined);
}
