// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesNodeSelectorTerm, type ReplicaRequirements, type Taint, tolerates } from '@clusternet/api-types';
import { amountsOf, type Amounts } from './amounts.ts';
import { matchesNode, type NodeIdentity } from './nodeAffinity.ts';
import { type Usage } from './nodeUsage.ts';
import { type Place } from './volumeTopology.ts';

/** A node as predictions see it. */
export interface NodeState extends NodeIdentity {
  taints: readonly Taint[];
  /** Cordoned. */
  unschedulable: boolean;
  allocatable: Amounts;
  used: Usage;
}

/** What one replica needs, read once for all nodes. */
export interface Demand extends ReplicaRequirements {
  /** Amounts above zero only. */
  amounts: Amounts;
  /** Where its volumes can be reached: a node has to be in all of these. */
  places: readonly Place[];
}

/** One reason why a node takes only so many replicas. Without I/O, clock or randomness. */
export interface PredictorPlugin {
  name: string;
  /** How many replicas the node takes as far as this plugin is concerned: 0 or more, `Infinity` if it does not mind. */
  limit(demand: Demand, node: NodeState): number;
}

/** Labels that the replica asks for, by `nodeSelector` and by required node affinity. */
export const nodeAffinity: PredictorPlugin = {
  name: 'NodeAffinity',
  limit: (demand, node) => (matchesNode(demand, node) ? Infinity : 0),
};

/** Volumes that are reached from some nodes only. */
export const volumeNodes: PredictorPlugin = {
  name: 'VolumeNodes',
  limit: ({ places }, node) =>
    places.every((place) => place.some((term) => matchesNodeSelectorTerm(term, node))) ? Infinity : 0,
};

const cordoned: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Taints that keep pods away, and cordons, which are the same. */
export const taintToleration: PredictorPlugin = {
  name: 'TaintToleration',
  limit({ tolerations = [] }, { taints, unschedulable }) {
    const repelling = taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
    if (unschedulable) repelling.push(cordoned);
    return repelling.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint))) ? Infinity : 0;
  },
};

/** What is left of each resource that the replica requests. A node that gave away more than it has takes none. */
export const resourceFit: PredictorPlugin = {
  name: 'ResourceFit',
  limit({ amounts }, { allocatable, used }) {
    let fits = Infinity;
    for (const [resource, amount] of Object.entries(amounts)) {
      const free = (allocatable[resource] ?? 0) - (used.requests[resource] ?? 0);
      fits = Math.min(fits, Math.max(0, Math.floor(free / amount)));
    }
    return fits;
  },
};

/** Pods that the node may still run. */
export const podSlots: PredictorPlugin = {
  name: 'PodSlots',
  limit: (_, { allocatable, used }) => Math.max(0, (allocatable['pods'] ?? 0) - used.pods),
};

/**
 * Replicas that must not share a node: a required anti-affinity by host name. Whose pods it keeps away from cannot be told without
 * their labels; it is taken to be the replicas themselves, as it nearly always is.
 */
export const oneByHost: PredictorPlugin = {
  name: 'OneByHost',
  limit({ affinity }) {
    const terms = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    return terms.some(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname') ? 1 : Infinity;
  },
};

/** The plugins that are built in. */
export const plugins: readonly PredictorPlugin[] = [nodeAffinity, volumeNodes, taintToleration, resourceFit, podSlots, oneByHost];

/** Reads requirements; where a limit is given without a request, it is the request, as in a pod. */
export function demandOf(requirements: ReplicaRequirements, places: readonly Place[] = []): Demand {
  const { limits, requests } = requirements.resources ?? {};
  const amounts = amountsOf({ ...limits, ...requests });
  return { ...requirements, places, amounts: Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0)) };
}
