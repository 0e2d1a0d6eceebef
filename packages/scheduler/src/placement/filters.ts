// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesSelector, type ManagedCluster, type SubscriptionSpec } from '@clusternet/api-types';
import { toleratedForMs } from './tolerations.ts';

/** What a filter may look at. */
export interface FilterInput {
  spec: SubscriptionSpec;
  cluster: ManagedCluster;
  /** Whether the Subscription is bound to the cluster now. */
  bound: boolean;
  now: Date;
}

/** What a filter says of one cluster. */
export interface Verdict {
  /** Why the cluster is left out, in the words of `3 <reason>`; absent when it may stay. */
  reason?: string;
  /** The verdict may change after this time without anything else changing. */
  recheckAfterMs?: number;
}

/** Decides on one cluster at a time, without I/O, clock or randomness. */
export interface Filter {
  name: string;
  filter(input: FilterInput): Verdict;
}

/** Reason for a cluster that no subscriber asks for. */
export const NOT_SELECTED = 'did not match the cluster affinity';

/** Keeps the clusters that one of the subscribers selects. */
export const clusterAffinity: Filter = {
  name: 'ClusterAffinity',
  filter({ spec, cluster }) {
    const selected = spec.subscribers.some(({ clusterAffinity: selector }) => matchesSelector(selector, cluster.metadata.labels));
    return selected ? {} : { reason: NOT_SELECTED };
  },
};

/** Leaves out clusters that are being deleted, unless something runs there: their leaving is not this decision's. */
export const notDeleting: Filter = {
  name: 'NotDeleting',
  filter({ cluster, bound }) {
    return cluster.metadata.deletionTimestamp === undefined || bound ? {} : { reason: 'were being deleted' };
  },
};

/**
 * NoSchedule keeps new bindings away and leaves present ones alone; NoExecute also ends present ones, after the seconds that the
 * Subscription tolerates.
 */
export const taintToleration: Filter = {
  name: 'TaintToleration',
  filter({ spec, cluster, bound, now }) {
    let recheckAfterMs: number | undefined;
    for (const taint of cluster.spec.taints ?? []) {
      const counts = taint.effect === 'NoExecute' || (taint.effect === 'NoSchedule' && !bound);
      if (!counts) continue;
      const forMs = toleratedForMs(taint, spec.clusterTolerations ?? [], now);
      if (forMs === 0) return { reason: `had untolerated taint {${taint.key}: ${taint.value ?? ''}}` };
      if (forMs !== Infinity) recheckAfterMs = Math.min(forMs, recheckAfterMs ?? Infinity);
    }
    return { recheckAfterMs };
  },
};

/** The filters in their order; the first that leaves a cluster out gives the reason. */
export const filters: readonly Filter[] = [clusterAffinity, notDeleting, taintToleration];
