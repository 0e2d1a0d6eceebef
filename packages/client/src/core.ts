// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { resourceDefinition } from './resourceDefinition.ts';

/** The built-in resources Clusternet itself works with; for any other kind ask {@link RestMapper}. */
export const core = {
  namespaces: resourceDefinition('v1', 'Namespace', 'namespaces', false),
  nodes: resourceDefinition('v1', 'Node', 'nodes', false),
  pods: resourceDefinition('v1', 'Pod', 'pods', true),
  services: resourceDefinition('v1', 'Service', 'services', true),
  endpoints: resourceDefinition('v1', 'Endpoints', 'endpoints', true),
  secrets: resourceDefinition('v1', 'Secret', 'secrets', true),
  configMaps: resourceDefinition('v1', 'ConfigMap', 'configmaps', true),
  serviceAccounts: resourceDefinition('v1', 'ServiceAccount', 'serviceaccounts', true),
  events: resourceDefinition('v1', 'Event', 'events', true),
  persistentVolumes: resourceDefinition('v1', 'PersistentVolume', 'persistentvolumes', false),
  persistentVolumeClaims: resourceDefinition('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', true),
  resourceQuotas: resourceDefinition('v1', 'ResourceQuota', 'resourcequotas', true),
  controllerRevisions: resourceDefinition('apps/v1', 'ControllerRevision', 'controllerrevisions', true),
  deployments: resourceDefinition('apps/v1', 'Deployment', 'deployments', true),
  statefulSets: resourceDefinition('apps/v1', 'StatefulSet', 'statefulsets', true),
  daemonSets: resourceDefinition('apps/v1', 'DaemonSet', 'daemonsets', true),
  replicaSets: resourceDefinition('apps/v1', 'ReplicaSet', 'replicasets', true),
  jobs: resourceDefinition('batch/v1', 'Job', 'jobs', true),
  cronJobs: resourceDefinition('batch/v1', 'CronJob', 'cronjobs', true),
  ingresses: resourceDefinition('networking.k8s.io/v1', 'Ingress', 'ingresses', true),
  endpointSlices: resourceDefinition('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', true),
  leases: resourceDefinition('coordination.k8s.io/v1', 'Lease', 'leases', true),
  clusterRoles: resourceDefinition('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false),
  clusterRoleBindings: resourceDefinition('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', false),
  roles: resourceDefinition('rbac.authorization.k8s.io/v1', 'Role', 'roles', true),
  roleBindings: resourceDefinition('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', true),
  customResourceDefinitions: resourceDefinition(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
    false,
  ),
  apiServices: resourceDefinition('apiregistration.k8s.io/v1', 'APIService', 'apiservices', false),
  tokenReviews: resourceDefinition('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews', false),
  subjectAccessReviews: resourceDefinition('authorization.k8s.io/v1', 'SubjectAccessReview', 'subjectaccessreviews', false),
} as const;
