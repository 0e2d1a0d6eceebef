// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  apiVersionOf,
  type ClusterRegistrationRequest,
  createdBy,
  fieldManagers,
  type KubeObject,
  labels,
  type ManagedCluster,
  names,
  resources,
  suffix,
} from '@clusternet/api-types';
import { appliedLabels, includesPairs, type Namespace } from '../kube/objects.ts';
import { requestedLabels } from './identity.ts';
import { type ClusterIdentity } from './rbac.ts';

/** Labels by which everything of one child is found. */
export function identityLabels(cluster: Pick<ClusterIdentity, 'clusterId' | 'clusterName'>): Record<string, string> {
  return {
    [labels.createdBy]: createdBy.agent,
    [labels.clusterId]: cluster.clusterId,
    [labels.clusterName]: cluster.clusterName,
  };
}

/** Name that a cluster gets: the wanted one, or one that follows from its id. */
export function clusterNameOf(request: ClusterRegistrationRequest, clusterId: string): string {
  const wanted = request.spec?.clusterName;
  return wanted ? wanted : `clusternet-cluster-${suffix(clusterId)}`;
}

/** Names that the dedicated namespace may get, best first. A second one is there for the day two suffixes are the same. */
export function namespaceCandidates(request: ClusterRegistrationRequest, clusterId: string): string[] {
  const wanted = request.spec?.clusterNamespace;
  if (wanted) return [wanted];
  return [`${names.prefix}${suffix(clusterId)}`, `${names.prefix}${suffix(clusterId, 10)}`];
}

/** True for namespaces that no child may get, whether they exist yet or not. */
export function isProtectedNamespace(name: string, reserved: readonly string[]): boolean {
  return name === 'default' || name.startsWith('kube-') || reserved.includes(name);
}

/** The dedicated Namespace. `thumbprint` pins the key that the cluster registered with. */
export function dedicatedNamespace(cluster: ClusterIdentity, thumbprint: string | undefined): Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: cluster.namespace,
      labels: identityLabels(cluster),
      ...(thumbprint ? { annotations: { [annotations.publicKeyThumbprint]: thumbprint } } : {}),
    },
  };
}

/** The ServiceAccount that the child acts as in the parent. */
export function dedicatedServiceAccount(cluster: ClusterIdentity): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: cluster.namespace, namespace: cluster.namespace, labels: identityLabels(cluster) },
  };
}

/**
 * The fields of the ManagedCluster that follow from the request. Applied server-side, so that labels, taints and
 * annotations of people stay, and a label that leaves the request leaves the cluster.
 */
export function desiredManagedCluster(cluster: ClusterIdentity, request: ClusterRegistrationRequest): ManagedCluster {
  const { clusterType, syncMode = 'Pull' } = request.spec ?? {};
  return {
    apiVersion: apiVersionOf(resources.managedClusters),
    kind: resources.managedClusters.kind,
    metadata: {
      name: cluster.clusterName,
      namespace: cluster.namespace,
      labels: { ...requestedLabels(request).labels, ...identityLabels(cluster) },
    },
    spec: { clusterId: cluster.clusterId, syncMode, ...(clusterType ? { clusterType } : {}) },
  };
}

/** True when applying `wanted` would change `actual`. */
export function managedClusterDiffers(actual: ManagedCluster, wanted: ManagedCluster): boolean {
  const wantedLabels = wanted.metadata.labels ?? {};
  if (!includesPairs(actual.metadata.labels, wantedLabels)) return true;
  if (appliedLabels(actual, fieldManagers.hub).some((key) => !(key in wantedLabels))) return true;
  const { clusterId, clusterType, syncMode } = wanted.spec ?? {};
  const spec = actual.spec;
  return (
    spec?.clusterId !== clusterId ||
    spec?.syncMode !== syncMode ||
    (clusterType !== undefined && spec?.clusterType !== clusterType)
  );
}
