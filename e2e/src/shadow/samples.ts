// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { resourceDefinition } from '@clusternet/client';

/** A kind that people make templates of, with an object of it and what is done to that. */
export interface Sample {
  resource: ResourceDefinition;
  object: KubeObject & Record<string, unknown>;
  /** Merge patch that is fine. */
  patch: object;
  /** Merge patch that the API refuses. */
  wrong?: object;
  /** Whether a CRD declares the kind. */
  custom?: boolean;
}

const pod = { containers: [{ name: 'web', image: 'nginx:1', ports: [{ containerPort: 80 }] }] };
const labels = { app: 'shop' };
const template = { metadata: { labels }, spec: pod };
const selector = { matchLabels: labels };

function sample(
  [apiVersion, kind, plural, namespaced]: [string, string, string, boolean],
  content: object,
  changes: Pick<Sample, 'patch' | 'wrong' | 'custom'> & { name?: string },
): Sample {
  const { name = 'shop', ...rest } = changes;
  const object = { apiVersion, kind, metadata: { name, labels: { tier: 'front' } }, ...content };
  return { resource: resourceDefinition(apiVersion, kind, plural, namespaced), object, ...rest };
}

/** The CRDs of the two custom kinds. */
export const crds: KubeObject[] = [
  crd('widgets.example.io', 'Widget', 'Namespaced'),
  crd('planets.example.io', 'Planet', 'Cluster'),
];

function crd(name: string, kind: string, scope: string): KubeObject {
  const [plural = ''] = name.split('.');
  const spec = {
    type: 'object',
    properties: {
      replicas: { type: 'integer', default: 1, minimum: 0 },
      color: { type: 'string', enum: ['red', 'blue'] },
      parts: {
        type: 'array',
        items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, size: { type: 'integer' } } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
    },
  };
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    },
    subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
    additionalPrinterColumns: [
      { name: 'Color', type: 'string', jsonPath: '.spec.color' },
      { name: 'Parts', type: 'string', jsonPath: '.spec.parts[*].name' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: 'example.io',
      scope,
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [version],
    },
  };
}

export const samples: Sample[] = [
  sample(
    ['v1', 'ConfigMap', 'configmaps', true],
    { data: { a: '1', b: '2' } },
    { patch: { data: { b: null, c: '3' } }, wrong: { data: { c: 3 } } },
  ),
  sample(
    ['v1', 'Secret', 'secrets', true],
    { stringData: { a: 'b' } },
    { patch: { stringData: { c: 'd' } }, wrong: { type: 'other' } },
  ),
  sample(
    ['v1', 'Service', 'services', true],
    { spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } },
    { patch: { spec: { sessionAffinity: 'ClientIP' } }, wrong: { spec: { ports: [{ port: 0 }] } } },
  ),
  sample(['v1', 'ServiceAccount', 'serviceaccounts', true], {}, { patch: { automountServiceAccountToken: false } }),
  sample(
    ['v1', 'Pod', 'pods', true],
    { spec: pod },
    { patch: { metadata: { annotations: { a: 'b' } } }, wrong: { spec: { restartPolicy: 'Sometimes' } } },
  ),
  sample(
    ['v1', 'PodTemplate', 'podtemplates', true],
    { template },
    { patch: { template: { metadata: { labels: { x: 'y' } } } } },
  ),
  sample(
    ['v1', 'ReplicationController', 'replicationcontrollers', true],
    { spec: { replicas: 0, selector: labels, template } },
    { patch: { spec: { minReadySeconds: 3 } }, wrong: { spec: { replicas: -1 } } },
  ),
  sample(
    ['v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', true],
    { spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } } },
    { patch: { metadata: { annotations: { a: 'b' } } } },
  ),
  sample(
    ['v1', 'LimitRange', 'limitranges', true],
    { spec: { limits: [{ type: 'PersistentVolumeClaim', max: { storage: '2Gi' } }] } },
    { patch: { spec: { limits: [{ type: 'PersistentVolumeClaim', max: { storage: '3Gi' } }] } } },
  ),
  sample(
    ['v1', 'Endpoints', 'endpoints', true],
    { subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }] },
    { patch: { subsets: [] }, name: 'other' },
  ),
  sample(
    ['v1', 'Namespace', 'namespaces', false],
    {},
    { patch: { metadata: { annotations: { a: 'b' } } }, name: 'conformance-other' },
  ),
  sample(
    ['v1', 'PersistentVolume', 'persistentvolumes', false],
    { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany'], nfs: { server: 'a', path: '/b' } } },
    { patch: { spec: { mountOptions: ['hard'] } }, wrong: { spec: { capacity: null } } },
  ),
  sample(
    ['apps/v1', 'Deployment', 'deployments', true],
    { spec: { replicas: 0, selector, template } },
    { patch: { spec: { minReadySeconds: 5 } }, wrong: { spec: { selector: { matchLabels: { app: 'other' } } } } },
  ),
  sample(
    ['apps/v1', 'StatefulSet', 'statefulsets', true],
    { spec: { replicas: 0, serviceName: 'shop', selector, template } },
    { patch: { spec: { template: { spec: { nodeName: 'a' } } } }, wrong: { spec: { serviceName: 'x' } } },
  ),
  sample(
    ['apps/v1', 'DaemonSet', 'daemonsets', true],
    { spec: { selector, template } },
    { patch: { spec: { minReadySeconds: 5 } }, wrong: { spec: { updateStrategy: { type: 'Never' } } } },
  ),
  sample(
    ['apps/v1', 'ReplicaSet', 'replicasets', true],
    { spec: { replicas: 0, selector, template } },
    { patch: { spec: { minReadySeconds: 5 } } },
  ),
  sample(
    ['batch/v1', 'Job', 'jobs', true],
    { spec: { suspend: true, template: { spec: { ...pod, restartPolicy: 'Never' } } } },
    { patch: { spec: { parallelism: 2 } }, wrong: { spec: { backoffLimit: -1 } } },
  ),
  sample(
    ['batch/v1', 'CronJob', 'cronjobs', true],
    {
      spec: {
        schedule: '0 1 * * *',
        suspend: true,
        jobTemplate: { spec: { template: { spec: { ...pod, restartPolicy: 'Never' } } } },
      },
    },
    { patch: { spec: { schedule: '5 1 * * *' } }, wrong: { spec: { schedule: 'daily at one' } } },
  ),
  sample(
    ['autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', true],
    {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'absent' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      },
    },
    { patch: { spec: { maxReplicas: 4 } }, wrong: { spec: { maxReplicas: 0 } } },
  ),
  sample(
    ['policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', true],
    { spec: { minAvailable: 1, selector } },
    { patch: { spec: { minAvailable: '50%' } }, wrong: { spec: { maxUnavailable: 1 } } },
  ),
  sample(
    ['networking.k8s.io/v1', 'Ingress', 'ingresses', true],
    {
      spec: {
        rules: [
          {
            host: 'a.example',
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'shop', port: { number: 80 } } } }] },
          },
        ],
      },
    },
    { patch: { spec: { tls: [{ hosts: ['a.example'] }] } }, wrong: { spec: { rules: [] } } },
  ),
  sample(
    ['networking.k8s.io/v1', 'IngressClass', 'ingressclasses', false],
    { spec: { controller: 'example.io/ingress' } },
    { patch: { metadata: { annotations: { a: 'b' } } }, wrong: { spec: { controller: 'example.io/other' } } },
  ),
  sample(
    ['networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', true],
    { spec: { podSelector: { matchLabels: labels }, ingress: [{}] } },
    { patch: { spec: { policyTypes: ['Ingress', 'Egress'] } }, wrong: { spec: { policyTypes: ['All'] } } },
  ),
  sample(
    ['discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', true],
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ name: 'http', port: 80 }] },
    { patch: { endpoints: [] }, wrong: { addressType: 'IPv6' } },
  ),
  sample(
    ['rbac.authorization.k8s.io/v1', 'Role', 'roles', true],
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
    { patch: { rules: [] } },
  ),
  sample(
    ['rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', true],
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'shop' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }],
    },
    { patch: { subjects: [] }, wrong: { roleRef: { name: 'other' } } },
  ),
  sample(
    ['rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false],
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
    { patch: { rules: [] }, name: 'example:shop' },
  ),
  sample(
    ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', false],
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'a', name: 'b' }],
    },
    { patch: { subjects: [] }, wrong: { roleRef: { name: 'other' } } },
  ),
  sample(
    ['storage.k8s.io/v1', 'StorageClass', 'storageclasses', false],
    { provisioner: 'example.io/disk' },
    { patch: { allowVolumeExpansion: true }, wrong: { provisioner: 'example.io/other' } },
  ),
  sample(
    ['scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', false],
    { value: 100 },
    { patch: { description: 'x' }, wrong: { value: 200 } },
  ),
  sample(
    ['node.k8s.io/v1', 'RuntimeClass', 'runtimeclasses', false],
    { handler: 'runc' },
    { patch: { metadata: { annotations: { a: 'b' } } }, wrong: { handler: 'other' } },
  ),
  sample(
    ['coordination.k8s.io/v1', 'Lease', 'leases', true],
    { spec: { holderIdentity: 'me' } },
    { patch: { spec: { leaseDurationSeconds: 10 } }, wrong: { spec: { leaseDurationSeconds: -1 } } },
  ),
  sample(
    ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', false],
    {
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: ['none.example.io'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothing'] },
          ],
        },
        validations: [{ expression: 'true' }],
      },
    },
    { patch: { spec: { failurePolicy: 'Ignore' } } },
  ),
  sample(
    ['example.io/v1', 'Widget', 'widgets', true],
    { spec: { color: 'red', parts: [{ name: 'a', size: 1 }] } },
    { patch: { spec: { color: 'blue' } }, wrong: { spec: { color: 'green' } }, custom: true },
  ),
  sample(
    ['example.io/v1', 'Planet', 'planets', false],
    { spec: { replicas: 2 } },
    { patch: { spec: { replicas: 3 } }, wrong: { spec: { replicas: 'many' } }, custom: true },
  ),
];
