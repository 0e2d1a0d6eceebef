// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Condition, type KubeObject, MAX_CLUSTER_NAME, type ResourceDefinition, suffix } from '@clusternet/api-types';
import { resourceDefinition } from '@clusternet/client';

/** Group of Cluster API. */
export const clusterApiGroup = 'cluster.x-k8s.io';

/** Versions of `Cluster` that are understood, best first. */
export const clusterApiVersions = ['v1beta2', 'v1beta1'] as const;

/** cluster.x-k8s.io Cluster, as far as it is looked at: these parts are the same in both versions. */
export interface CapiCluster extends KubeObject {
  status?: { phase?: string; conditions?: Condition[] };
}

/** Labels of a discovered cluster, on its registration and its ManagedCluster: which Cluster object it comes from. */
export const originLabels = {
  name: `${clusterApiGroup}/cluster-name`,
  namespace: `${clusterApiGroup}/cluster-namespace`,
} as const;

/** How Clusters of that version are asked for. */
export function clusterDefinition(version: string): ResourceDefinition {
  return resourceDefinition(`${clusterApiGroup}/${version}`, 'Cluster', 'clusters', true);
}

/** Whether the infrastructure of a Cluster is there, and with it its kubeconfig. */
export function isProvisioned({ status }: CapiCluster): boolean {
  return status?.phase === 'Provisioned';
}

/** Name that a cluster is registered under: its own, unless that is too long or an older Cluster has it. */
export function registeredNameOf(cluster: CapiCluster, all: readonly CapiCluster[]): string {
  const { name, uid = '' } = cluster.metadata;
  const taken = all.some((other) => other.metadata.name === name && other.metadata.uid !== uid && isOlder(other, cluster));
  if (name.length <= MAX_CLUSTER_NAME && !taken) return name;
  const tail = `-${suffix(uid)}`;
  return `${name.slice(0, MAX_CLUSTER_NAME - tail.length).replace(/[-.]+$/, '')}${tail}`;
}

function isOlder(a: CapiCluster, b: CapiCluster): boolean {
  const [x, y] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''}`);
  return (x ?? '') < (y ?? '');
}
