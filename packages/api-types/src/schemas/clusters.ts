// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { dnsLabel, dnsSubdomain, labelValue, MAX_LABEL } from '../syntax.ts';
import { conditions, taintSchema } from './common.ts';
import {
  atomicList,
  atomicMap,
  boolean,
  bytes,
  dateTime,
  float,
  int32,
  int64,
  list,
  map,
  object,
  oneOf,
  quantity,
  string,
} from './dsl.ts';
import { kindOf } from './kind.ts';

/** Longest name of a cluster: what the agent accepts, with room for a suffix in a DNS label. */
export const MAX_CLUSTER_NAME = 60;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** How a child takes part in deploying: the parent pushes, the agent pulls, or whoever can. */
export const syncModes = ['Push', 'Pull', 'Dual'] as const;
export type SyncMode = (typeof syncModes)[number];

/** Cluster types the agent knows; no behaviour depends on them. */
export const clusterTypes = { standard: 'StandardCluster', edge: 'EdgeCluster' } as const;

/** Outcomes of a registration. */
export const registrationResults = ['Approved', 'Denied', 'Failed'] as const;
export type RegistrationResult = (typeof registrationResults)[number];

/** A cluster id under a field of the given meaning. */
export function clusterId(description: string) {
  return string(description, { pattern: UUID, patternMessage: 'must be a lower-case UUID' });
}

/** A cluster name under a field of the given meaning. */
export function clusterName(description: string) {
  return string(description, {
    max: MAX_CLUSTER_NAME,
    pattern: dnsSubdomain,
    patternMessage: 'must be lower-case letters, digits, "-" and ".", starting and ending with a letter or digit',
  });
}

export const clusterRegistrationRequestSpecSchema = object('What the agent says about its cluster.', {
  clusterId: clusterId('Identity of the cluster; the name of the request ends with it.'),
  clusterType: string('Type of the cluster: StandardCluster or EdgeCluster.').optional(),
  clusterName: clusterName('Wanted name of the ManagedCluster.').optional(),
  clusterNamespace: string('Wanted dedicated namespace in the parent.', {
    max: 63,
    pattern: dnsLabel,
    patternMessage: 'must be lower-case letters, digits and "-", starting and ending with a letter or digit',
  }).optional(),
  clusterLabels: map(
    'Labels for the ManagedCluster.',
    string('Label value.', { max: MAX_LABEL, pattern: labelValue, patternMessage: 'must be a label value' }),
  ).optional(),
  syncMode: oneOf('Who deploys to the cluster.', syncModes).default('Pull'),
  publicKey: string('Public key of the agent (JWK, EC P-256) that the credentials in the status are encrypted for.', {
    max: 2048,
  }).optional(),
});
export type ClusterRegistrationRequestSpec = z.input<typeof clusterRegistrationRequestSpecSchema>;

export const clusterRegistrationRequestStatusSchema = object('Outcome of the registration.', {
  result: oneOf('Whether the cluster may join.', registrationResults).optional(),
  errorMessage: string('Why the request was not approved, and what to do about it.').optional(),
  dedicatedNamespace: string('Namespace of the parent that belongs to the cluster.').optional(),
  managedClusterName: string('Name of the ManagedCluster.').optional(),
  token: bytes('Token for the dedicated namespace, readable by all who may read the request.').optional(),
  encryptedToken: string('Token for the dedicated namespace as compact JWE, readable by the agent alone.').optional(),
  expirationTimestamp: dateTime('When the token in encryptedToken ends.').optional(),
  caCertificate: bytes('CA of the parent API server, PEM.').optional(),
});
export type ClusterRegistrationRequestStatus = z.input<typeof clusterRegistrationRequestStatusSchema>;

export const clusterRegistrationRequestSchema = kindOf(
  resources.clusterRegistrationRequests,
  'Asks the parent to take a cluster in. Made by the agent of that cluster; deleting it takes the cluster out.',
  { spec: clusterRegistrationRequestSpecSchema, status: clusterRegistrationRequestStatusSchema.optional() },
);
export type ClusterRegistrationRequest = z.input<typeof clusterRegistrationRequestSchema>;

const clusterInitBaseName = string('Base that this cluster is initialised with. Cannot be changed once set.', {
  max: 512,
  extensions: {
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'clusterInitBaseName is immutable' }],
  },
});

export const managedClusterSpecSchema = object(
  'What the parent holds about the cluster.',
  {
    clusterId: clusterId('Identity of the cluster.'),
    clusterType: string('Type of the cluster: StandardCluster or EdgeCluster.').optional(),
    clusterInitBaseName: clusterInitBaseName.optional(),
    syncMode: oneOf('Who deploys to the cluster.', syncModes),
    taints: list('Taints that keep Subscriptions away which do not tolerate them.', taintSchema).optional(),
  },
  {
    rules: [
      {
        rule: '!has(oldSelf.clusterInitBaseName) || has(self.clusterInitBaseName)',
        message: 'clusterInitBaseName is required once set',
      },
    ],
  },
);
export type ManagedClusterSpec = z.input<typeof managedClusterSpecSchema>;

const nodeStatistics = object('How many nodes are in which state.', {
  readyNodes: int32('Nodes that are ready.').optional(),
  notReadyNodes: int32('Nodes that are not ready.').optional(),
  unknownNodes: int32('Nodes that stopped reporting.').optional(),
  lostNodes: int32('Nodes without a Ready condition.').optional(),
});

const podStatistics = object('How many pods the metrics server sees.', {
  runningPods: int32('Pods with at least one container.').optional(),
  totalPods: int32('All pods.').optional(),
});

const resourceUsage = object('What the nodes use, as the metrics server says.', {
  cpuUsage: quantity('Processor time.').optional(),
  memoryUsage: quantity('Memory.').optional(),
});

export const managedClusterStatusSchema = object('What the agent last reported.', {
  lastObservedTime: dateTime('When the data was collected.').optional(),
  k8sVersion: string('Version of the API server.').optional(),
  platform: string('Operating system and architecture of the API server.').optional(),
  agentVersion: string('Version of the agent.').optional(),
  apiserverURL: string('URL at which the agent reaches the API server of its cluster.').optional(),
  apiserverCABundle: bytes(
    'CA that the API server is verified with through the tunnel, PEM; the system roots if absent.',
  ).optional(),
  apiserverTLSServerName: string('Name in the certificate of the API server; the host of apiserverURL if absent.').optional(),
  healthz: boolean('Whether /healthz answers 200.').optional(),
  livez: boolean('Whether /livez answers 200.').optional(),
  readyz: boolean('Whether /readyz answers 200.').optional(),
  appPusher: boolean('Whether the agent lets the parent deploy.').optional(),
  useSocket: boolean('Whether the agent keeps a tunnel to the parent.').optional(),
  kubeQPS: float('Requests per second that deployers in the parent may send to the cluster.').optional(),
  kubeBurst: int32('Requests that they may send at once.').optional(),
  capacity: map('Sum of the capacity of all nodes.', quantity('Amount.')).optional(),
  allocatable: map('Sum of what all nodes offer to pods.', quantity('Amount.')).optional(),
  clusterCIDR: string('Addresses of the pods.').optional(),
  serviceCIDR: string('Addresses of the services.').optional(),
  nodeStatistics: nodeStatistics.optional(),
  podStatistics: podStatistics.optional(),
  resourceUsage: resourceUsage.optional(),
  nodeLabels: map(
    'Labels that most nodes have; the hub copies them to the cluster.',
    string('Label value.', { max: 63 }),
    atomicMap,
  ).optional(),
  conditions: conditions().optional(),
  heartbeatFrequencySeconds: int64('Seconds between two reports.').optional(),
  apiKinds: list(
    'Kinds beyond those of Kubernetes itself that the cluster serves, as apiVersion/Kind; absent when not looked for.',
    string('apiVersion and kind, such as example.com/v1/Widget.'),
    { extensions: atomicList },
  ).optional(),
  predictorEnabled: boolean('Whether the cluster predicts how many replicas fit.').optional(),
  predictorAddress: string('URL of the predictor.').optional(),
  predictorDirectAccess: boolean('Whether the predictor is reached without the tunnel.').optional(),
});
export type ManagedClusterStatus = z.input<typeof managedClusterStatusSchema>;

export const managedClusterSchema = kindOf(
  resources.managedClusters,
  'A registered cluster, in the namespace of the parent that belongs to it.',
  { spec: managedClusterSpecSchema, status: managedClusterStatusSchema.optional() },
);
export type ManagedCluster = z.input<typeof managedClusterSchema>;
