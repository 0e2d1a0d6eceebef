// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type Taint, sumQuantities } from '@clusternet/api-types';

/** What the agent keeps of a Node: a child of thousands of nodes must fit a small process. */
export interface NodeSummary extends KubeObject {
  /** Kept for predictions only. */
  spec?: { taints?: Taint[]; unschedulable?: boolean };
  status?: {
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    conditions?: { type: string; status: string }[];
  };
}

/** Counts of a child's nodes by their Ready condition; `lostNodes` have none. */
export interface NodeStatistics {
  readyNodes: number;
  notReadyNodes: number;
  unknownNodes: number;
  lostNodes: number;
}

/** Labels of nodes that run the control plane; their other labels say nothing about where applications run. */
export const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

const gpu = 'nvidia.com/gpu';
const reported = ['cpu', 'memory', gpu];

/** What is wanted of nodes beyond the sums of the status. */
export interface NodeNeeds {
  /** Starts of the labels that the cluster may get. */
  labelPrefixes: readonly string[];
  /** Keep what predictions need. */
  predictions: boolean;
}

/** Transform for the node informer: drops everything that nothing needs. */
export function summarizeNode(node: NodeSummary, { labelPrefixes, predictions }: NodeNeeds): NodeSummary {
  const { name, uid, resourceVersion, labels = {} } = node.metadata;
  const kept = predictions ? labels : pickLabels(labels, labelPrefixes);
  return {
    apiVersion: node.apiVersion,
    kind: node.kind,
    metadata: { name, uid, resourceVersion, ...(Object.keys(kept).length > 0 ? { labels: kept } : {}) },
    ...(predictions && node.spec ? { spec: { taints: node.spec.taints, unschedulable: node.spec.unschedulable } } : {}),
    status: {
      capacity: pickReported(node.status?.capacity),
      allocatable: predictions ? { ...node.status?.allocatable } : pickReported(node.status?.allocatable),
      conditions: (node.status?.conditions ?? [])
        .filter((condition) => condition.type === 'Ready')
        .map(({ type, status }) => ({ type, status })),
    },
  };
}

/** Counts nodes by readiness. */
export function nodeStatistics(nodes: readonly NodeSummary[]): NodeStatistics {
  const statistics = { readyNodes: 0, notReadyNodes: 0, unknownNodes: 0, lostNodes: 0 };
  for (const node of nodes) {
    const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (!ready) statistics.lostNodes++;
    else if (ready.status === 'True') statistics.readyNodes++;
    else if (ready.status === 'False') statistics.notReadyNodes++;
    else statistics.unknownNodes++;
  }
  return statistics;
}

/** Sums over all nodes, cordoned and unready ones too; GPUs only where the cluster has any. */
export function nodeResources(nodes: readonly NodeSummary[]): {
  capacity: Record<string, string>;
  allocatable: Record<string, string>;
} {
  const total = (list: 'capacity' | 'allocatable', resource: string) =>
    sumQuantities(nodes.map((node) => node.status?.[list]?.[resource] ?? '0'));
  const resources = reported.filter((resource) => resource !== gpu || total('capacity', gpu) !== '0');
  return {
    capacity: Object.fromEntries(resources.map((resource) => [resource, total('capacity', resource)])),
    allocatable: Object.fromEntries(resources.map((resource) => [resource, total('allocatable', resource)])),
  };
}

function pickLabels(labels: Record<string, string>, prefixes: readonly string[]): Record<string, string> {
  const needed = (key: string): boolean => controlPlaneLabels.includes(key) || prefixes.some((prefix) => key.startsWith(prefix));
  return Object.fromEntries(Object.entries(labels).filter(([key]) => needed(key)));
}

function pickReported(quantities: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities ?? {}).filter(([resource]) => reported.includes(resource)));
}
