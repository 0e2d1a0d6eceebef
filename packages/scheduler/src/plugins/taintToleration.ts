// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster, type SubscriptionSpec, type Taint, tolerates } from '@clusternet/api-types';
import { type Cycle, type ClusterInfo, type ClusterScore, MAX_CLUSTER_SCORE, type Plugin } from '../framework/plugin.ts';
import { type Status, unschedulable } from '../framework/status.ts';
import { toleratedForMs } from './tolerations.ts';

/**
 * NoSchedule keeps new bindings away and leaves present ones as they are; NoExecute also ends present ones, after the seconds that the
 * Subscription tolerates. PreferNoSchedule lowers the score.
 */
export const taintToleration: Plugin = {
  name: 'TaintToleration',
  filter(cycle: Cycle, { key, cluster }: ClusterInfo): Status | undefined {
    const taints = cluster.spec.taints ?? [];
    if (taints.length === 0) return undefined;
    const bound = cycle.isBound(key);
    let recheckAfterMs = Infinity;
    let frozen = false;
    for (const taint of taints) {
      if (taint.effect !== 'NoExecute' && taint.effect !== 'NoSchedule') continue;
      const forMs = toleratedForMs(taint, cycle.subscription.spec.clusterTolerations ?? [], cycle.now);
      if (forMs === 0) {
        if (taint.effect === 'NoExecute' || !bound) return rejection(taint);
        frozen = true;
      }
      // What has to leave soon takes nothing new.
      if (forMs !== Infinity && forMs > 0) {
        frozen ||= bound;
        recheckAfterMs = Math.min(recheckAfterMs, forMs);
      }
    }
    return { code: 'Success', frozen, ...(recheckAfterMs === Infinity ? {} : { recheckAfterMs }) };
  },
  score: ({ subscription }, { cluster }) => avoided(subscription.spec, cluster),
  normalizeScore(_: Cycle, scores: ClusterScore[]): void {
    const most = Math.max(0, ...scores.map(({ score }) => score));
    for (const entry of scores) {
      entry.score = most === 0 ? MAX_CLUSTER_SCORE : MAX_CLUSTER_SCORE - Math.floor((MAX_CLUSTER_SCORE * entry.score) / most);
    }
  },
};

/** How many PreferNoSchedule taints of the cluster the Subscription does not tolerate. */
export function avoided({ clusterTolerations = [] }: SubscriptionSpec, { spec }: ManagedCluster): number {
  return (spec.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !clusterTolerations.some((toleration) => tolerates(toleration, taint)),
  ).length;
}

function rejection(taint: Taint): Status {
  return unschedulable(`had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
}
