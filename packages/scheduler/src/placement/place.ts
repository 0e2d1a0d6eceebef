// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster, type SubscriptionSpec } from '@clusternet/api-types';
import { type Filter, filters, NOT_SELECTED } from './filters.ts';

/** A cluster that vanished stays bound for so long: the hub makes a deleted ManagedCluster anew within moments. */
export const VANISHED_GRACE_MS = 30_000;

/** What a placement is decided on. */
export interface PlacementInput {
  spec: SubscriptionSpec;
  /** Every ManagedCluster there is. */
  clusters: readonly ManagedCluster[];
  /** Present bindings, as `namespace/name`. */
  bound: readonly string[];
  /** For how long a bound cluster has had no ManagedCluster, in milliseconds. */
  absentForMs: (cluster: string) => number;
  now: Date;
}

/** A placement and what led to it. */
export interface Placement {
  /** Chosen clusters as `namespace/name`, ascending. */
  bindings: string[];
  /** Clusters that were looked at. */
  considered: number;
  /** Why clusters were left out, with how many. */
  rejected: Map<string, number>;
  /** The same spec and clusters may give another answer after this time. */
  recheckAfterMs: number | undefined;
}

/** Key of a cluster in `status.bindingClusters`. */
export function clusterKey(cluster: ManagedCluster): string {
  return `${cluster.metadata.namespace}/${cluster.metadata.name}`;
}

/** Replication: every cluster that a subscriber selects and no filter leaves out. Pure, and the same for any order of the clusters. */
export function place({ spec, clusters, bound, absentForMs, now }: PlacementInput): Placement {
  const isBound = new Set(bound);
  const chosen = new Set<string>();
  const rejected = new Map<string, number>();
  const present = new Set<string>();
  let recheckAfterMs = Infinity;
  for (const cluster of clusters) {
    const key = clusterKey(cluster);
    present.add(key);
    const verdict = judge(filters, { spec, cluster, bound: isBound.has(key), now });
    if (verdict.reason !== undefined) rejected.set(verdict.reason, (rejected.get(verdict.reason) ?? 0) + 1);
    else chosen.add(key);
    recheckAfterMs = Math.min(recheckAfterMs, verdict.recheckAfterMs ?? Infinity);
  }
  for (const key of bound) {
    if (present.has(key)) continue;
    const left = VANISHED_GRACE_MS - absentForMs(key);
    if (left <= 0) continue;
    chosen.add(key);
    recheckAfterMs = Math.min(recheckAfterMs, left);
  }
  return {
    bindings: [...chosen].sort(),
    considered: clusters.length,
    rejected,
    recheckAfterMs: recheckAfterMs === Infinity ? undefined : recheckAfterMs,
  };
}

/** Why nothing could be chosen: `0/8 clusters are available: 3 had untolerated taint {…}.` */
export function explainNone({ considered, rejected }: Placement): string {
  if (considered === 0) return 'there is no cluster yet: register one';
  return `0/${considered} clusters are available: ${reasons(rejected).join(', ')}.`;
}

/** What was chosen, and which of the selected clusters were left out. Clusters that nobody asked for are not worth a word. */
export function explainSome(bindings: readonly string[], rejected: ReadonlyMap<string, number>): string {
  const left = reasons(new Map([...rejected].filter(([reason]) => reason !== NOT_SELECTED)));
  const count = bindings.length === 1 ? '1 cluster' : `${bindings.length} clusters`;
  return left.length === 0 ? `bound to ${count}` : `bound to ${count}; left out: ${left.join(', ')}`;
}

function judge(all: readonly Filter[], input: Parameters<Filter['filter']>[0]): ReturnType<Filter['filter']> {
  let recheckAfterMs = Infinity;
  for (const one of all) {
    const verdict = one.filter(input);
    if (verdict.reason !== undefined) return { reason: verdict.reason };
    recheckAfterMs = Math.min(recheckAfterMs, verdict.recheckAfterMs ?? Infinity);
  }
  return { recheckAfterMs };
}

function reasons(rejected: ReadonlyMap<string, number>): string[] {
  return [...rejected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => `${count} ${reason}`);
}
