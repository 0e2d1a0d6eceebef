// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Prediction, type ReplicaRequirements, wholeCluster } from '@clusternet/api-types';
import { demandOf, type NodeState, plugins as builtIn, type PredictorPlugin } from './plugins.ts';
import { type Place } from './volumeTopology.ts';

const mostReplicas = 2_147_483_647;

/**
 * How many replicas of these requirements the nodes can take beside what runs there already. Pure. A cluster that can take none is
 * no error: the answer is 0.
 */
export function predict(
  requirements: ReplicaRequirements,
  nodes: Iterable<NodeState>,
  { plugins = builtIn, places = [] }: { plugins?: readonly PredictorPlugin[]; places?: readonly Place[] } = {},
): Prediction {
  const demand = demandOf(requirements, places);
  let total = 0;
  for (const node of nodes) {
    let fits = Infinity;
    for (const plugin of plugins) {
      fits = Math.min(fits, plugin.limit(demand, node));
      if (fits <= 0) break;
    }
    total = Math.min(mostReplicas, total + Math.max(0, fits));
  }
  return { replicas: { [wholeCluster]: total } };
}
