// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesNodeSelectorTerm, type ManagedCluster, type SubscriptionSpec } from '@clusternet/api-types';
import { type ClusterScore, MAX_CLUSTER_SCORE, type Plugin } from '../framework/plugin.ts';

type Term = NonNullable<
  NonNullable<NonNullable<SubscriptionSpec['dividingScheduling']>['dynamicDividing']>['preferredClusters']
>[number];

/** Scores clusters by `preferredClusters` of dynamic dividing: the sum of the weights of the terms that they match. */
export const preferredClusters: Plugin = {
  name: 'PreferredClusters',
  preScore: ({ subscription }) => (termsOf(subscription.spec).length === 0 ? { code: 'Skip' } : undefined),
  score: ({ subscription }, { cluster }) => preference(subscription.spec, cluster),
  normalizeScore(_, scores: ClusterScore[]) {
    const most = Math.max(...scores.map(({ score }) => score));
    const least = Math.min(...scores.map(({ score }) => score));
    for (const entry of scores) {
      entry.score = most === least ? 0 : Math.floor((MAX_CLUSTER_SCORE * (entry.score - least)) / (most - least));
    }
  },
};

/** Sum of the weights of the preferences that a cluster matches; may be negative. */
export function preference(spec: SubscriptionSpec, { metadata }: ManagedCluster): number {
  let sum = 0;
  for (const { weight, preference: term } of termsOf(spec)) {
    if (matchesNodeSelectorTerm(term, metadata)) sum += weight;
  }
  return sum;
}

function termsOf({ schedulingStrategy, dividingScheduling }: SubscriptionSpec): readonly Term[] {
  if (schedulingStrategy !== 'Dividing' || dividingScheduling?.type !== 'Dynamic') return [];
  return dividingScheduling.dynamicDividing?.preferredClusters ?? [];
}
