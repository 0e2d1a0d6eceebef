// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { sumQuantities } from './quantity.ts';

/** What the agent keeps of a Node: a child of thousands of nodes must fit a small process. */
export interface NodeSummary extends KubeObject {
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

const gpu = 'nvidia.com/gpu';
const reported = ['cpu', 'memory', gpu];

/** Transform for the node informer: drops everything that no field of the cluster status needs. */
export function summarizeNode(node: NodeSummary): NodeSummary {
  const { name, uid, resourceVersion } = node.metadata;
  return {
    apiVersion: node.apiVersion,
    kind: node.kind,
    metadata: { name, uid, resourceVersion },
    status: {
      capacity: pickReported(node.status?.capacity),
      allocatable: pickReported(node.status?.allocatable),
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

function pickReported(quantities: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities ?? {}).filter(([resource]) => reported.includes(resource)));
}
