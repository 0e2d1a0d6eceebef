// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, bootstrapping, createdBy, groups, labels, names, type KubeObject } from '@clusternet/api-types';
import { isDeepStrictEqual } from 'node:util';
import { includesPairs, type PolicyRule, type Role, type RoleBinding } from '../kube/objects.ts';
import { requestNameOf } from './identity.ts';

const rbac = 'rbac.authorization.k8s.io';

/** One cluster as the parent knows it. */
export interface ClusterIdentity {
  clusterId: string;
  clusterName: string;
  /** Dedicated namespace; its ServiceAccount has the same name. */
  namespace: string;
}

/** What a child may do outside of its namespace: see and change its own request, see its own Namespace, and hold its tunnel. */
export function clusterRules({ clusterId, namespace }: ClusterIdentity): PolicyRule[] {
  return [
    {
      apiGroups: ['clusters.clusternet.io'],
      resources: ['clusterregistrationrequests'],
      resourceNames: [requestNameOf(clusterId)],
      verbs: ['get', 'update', 'patch'],
    },
    { apiGroups: [''], resources: ['namespaces'], resourceNames: [namespace], verbs: ['get'] },
    // Its own tunnel. Each program in between names the verb of an upgrade as it likes.
    {
      apiGroups: [groups.proxies],
      resources: ['sockets', 'sockets/attach'],
      resourceNames: [clusterId],
      verbs: ['get', 'create'],
    },
  ];
}

/** What a child may do inside of its namespace. It can create Secrets, but read only those it is to keep there. */
export const namespaceRules: PolicyRule[] = [
  { apiGroups: ['clusters.clusternet.io'], resources: ['managedclusters'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['clusters.clusternet.io'], resources: ['managedclusters/status'], verbs: ['get', 'patch', 'update'] },
  { apiGroups: ['apps.clusternet.io'], resources: ['descriptions'], verbs: ['get', 'list', 'watch', 'patch', 'update'] },
  { apiGroups: ['apps.clusternet.io'], resources: ['descriptions/status'], verbs: ['get', 'patch', 'update'] },
  { apiGroups: ['apps.clusternet.io'], resources: ['helmreleases'], verbs: ['get', 'list', 'watch', 'patch', 'update'] },
  { apiGroups: ['apps.clusternet.io'], resources: ['helmreleases/status'], verbs: ['get', 'patch', 'update'] },
  { apiGroups: ['apps.clusternet.io'], resources: ['bases'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: [names.childClusterDeployer, names.childClusterVisitor],
    verbs: ['get', 'update', 'patch', 'delete'],
  },
  { apiGroups: [''], resources: ['secrets'], resourceNames: [names.chartCredentials], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    resourceNames: [names.heartbeatLease],
    verbs: ['get', 'update', 'patch'],
  },
];

function metadata(cluster: ClusterIdentity, name: string, namespace?: string): KubeObject['metadata'] {
  return {
    name,
    ...(namespace ? { namespace } : {}),
    labels: {
      [labels.createdBy]: createdBy.controllerManager,
      [labels.bootstrapping]: bootstrapping.rbacDefaults,
      [labels.clusterId]: cluster.clusterId,
    },
    annotations: { [annotations.autoUpdate]: 'true' },
  };
}

/** The four RBAC objects of one child. */
export function rbacOf(cluster: ClusterIdentity): {
  clusterRole: Role;
  clusterRoleBinding: RoleBinding;
  role: Role;
  roleBinding: RoleBinding;
} {
  const wide = requestNameOf(cluster.clusterId);
  const narrow = names.managedClusterRole;
  const subjects = [{ kind: 'ServiceAccount', name: cluster.namespace, namespace: cluster.namespace }];
  const apiVersion = `${rbac}/v1`;
  return {
    clusterRole: { apiVersion, kind: 'ClusterRole', metadata: metadata(cluster, wide), rules: clusterRules(cluster) },
    clusterRoleBinding: {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: metadata(cluster, wide),
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: wide },
      subjects,
    },
    role: { apiVersion, kind: 'Role', metadata: metadata(cluster, narrow, cluster.namespace), rules: namespaceRules },
    roleBinding: {
      apiVersion,
      kind: 'RoleBinding',
      metadata: metadata(cluster, narrow, cluster.namespace),
      roleRef: { apiGroup: rbac, kind: 'Role', name: narrow },
      subjects,
    },
  };
}

/**
 * What must happen so that `actual` becomes `wanted`. An administrator keeps an object as it is with
 * `clusternet.io/autoupdate: "false"`. A binding cannot change its roleRef: it is made anew.
 */
export function rbacChange(actual: Role | RoleBinding, wanted: Role | RoleBinding): 'none' | 'apply' | 'recreate' {
  if (actual.metadata.annotations?.[annotations.autoUpdate] === 'false') return 'none';
  if (!isDeepStrictEqual(actual.roleRef, wanted.roleRef)) return 'recreate';
  const same =
    isDeepStrictEqual(actual.rules, wanted.rules) &&
    isDeepStrictEqual(actual.subjects, wanted.subjects) &&
    includesPairs(actual.metadata.labels, wanted.metadata.labels ?? {}) &&
    includesPairs(actual.metadata.annotations, wanted.metadata.annotations ?? {});
  return same ? 'none' : 'apply';
}
