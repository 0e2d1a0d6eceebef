// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesSelector } from '@clusternet/api-types';
import { divideStatic } from '../dividing/divideStatic.ts';
import { type Cycle, type FeasibleCluster, type Plugin, type TargetClusters } from '../framework/plugin.ts';
import { type Status, status } from '../framework/status.ts';
import { replicaLists, shortfall } from './targets.ts';

/** Divides replicas by the weights of the subscribers. A cluster that several select has the sum of their weights. */
export const staticAssigner: Plugin = {
  name: 'StaticAssigner',
  assign(cycle: Cycle, clusters: readonly FeasibleCluster[]): TargetClusters | Status {
    const { spec } = cycle.subscription;
    if (spec.schedulingStrategy !== 'Dividing' || (spec.dividingScheduling?.type ?? 'Static') !== 'Static')
      return { code: 'Skip' };
    const weights = clusters.map(({ cluster }) =>
      spec.subscribers
        .filter(({ clusterAffinity }) => matchesSelector(clusterAffinity, cluster.metadata.labels))
        .reduce((sum, { weight = 0 }) => sum + weight, 0),
    );
    const wanted = cycle.feeds.some(({ desired }) => desired > 0);
    if (wanted && clusters.length > 0 && weights.every((weight) => weight === 0)) {
      return status('Unschedulable', 'none of the available clusters has a weight above zero: set weight in spec.subscribers');
    }
    const shortfalls: string[] = [];
    const shares = new Map<string, number[]>();
    for (const { key, desired } of cycle.feeds) {
      const share = divideStatic(
        desired,
        clusters.map(({ key: cluster, frozen }, i) => ({
          weight: weights[i] ?? 0,
          current: cycle.currentReplicas(key, cluster),
          frozen,
        })),
      );
      shares.set(key, share);
      const short = desired - share.reduce((a, b) => a + b, 0);
      if (short > 0) shortfalls.push(shortfall({ key, desired, short }, 'no cluster with a weight takes new work'));
    }
    return { bindingClusters: clusters.map(({ key }) => key), replicas: replicaLists(cycle, shares), shortfalls };
  },
};
