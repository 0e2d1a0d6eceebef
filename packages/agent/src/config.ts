// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  clusterTypes,
  dnsLabel,
  dnsSubdomain,
  featureGates,
  MAX_CLUSTER_NAME,
  names,
  nodeLabelPrefix,
  syncModes,
} from '@clusternet/api-types';
import { helmFlags } from '@clusternet/deployer';
import { duration } from '@clusternet/runtime';
import * as z from 'zod';

const generatedSuffix = 6;

/** Flags of the agent; those that every service has come from the runtime. */
export const agentConfig = z.object({
  clusterRegParentUrl: z.string().default('').describe('URL of the parent API server (required)'),
  clusterRegToken: z
    .string()
    .default('')
    .describe('registration token, a bootstrap or a ServiceAccount token; better given in the environment or a file')
    .meta({ secret: true }),
  clusterRegTokenFile: z
    .string()
    .default('')
    .describe('file with the registration token, read again at every try')
    .meta({ secret: false }),
  clusterRegParentCaFile: z
    .string()
    .default('')
    .describe('PEM file with the CA of the parent; the system roots are used without it'),
  clusterRegParentCa: z.string().default('').describe('CA of the parent as base64 of PEM'),
  clusterRegParentInsecure: z.boolean().default(false).describe('do not verify the certificate of the parent while registering'),
  clusterRegName: z
    .string()
    .trim()
    .max(MAX_CLUSTER_NAME)
    .regex(new RegExp(`^$|${dnsSubdomain.source}`), 'must be lower-case letters, digits, "-" and "."')
    .default('')
    .describe('name of this cluster in the parent; generated when empty'),
  clusterRegNamePrefix: z
    .string()
    .max(MAX_CLUSTER_NAME - generatedSuffix)
    .regex(dnsSubdomain, 'must be lower-case letters, digits, "-" and "."')
    .default('clusternet-cluster')
    .describe('start of a generated name'),
  clusterRegNamespace: z
    .string()
    .max(63)
    .regex(new RegExp(`^$|${dnsLabel.source}`), 'must be a DNS label')
    .default('')
    .describe('wanted dedicated namespace in the parent'),
  clusterRegType: z
    .enum([clusterTypes.standard, clusterTypes.edge])
    .default(clusterTypes.standard)
    .describe('type of this cluster'),
  clusterSyncMode: z.enum(syncModes).default('Pull').describe('who deploys to this cluster'),
  clusterLabels: z.string().default('').describe('labels of this cluster in the parent: k=v,k=v'),
  clusterAdvertiseUrl: z
    .string()
    .default('')
    .describe('URL at which the parent reaches the API server of this cluster; the one the agent itself uses when empty'),
  clusterStatusCollectFrequency: duration().default(20_000).describe('how often the state of this cluster is looked at'),
  clusterStatusUpdateFrequency: duration().default(180_000).describe('how often it is reported when nothing important changes'),
  clusterHeartbeatFrequency: duration()
    .default(30_000)
    .describe(
      'how often this cluster tells that it is there, where the parent takes heartbeats apart from reports; reports then come only ' +
        'when something changes; 0 turns it off',
    ),
  clusterAdvertiseTlsServerName: z
    .string()
    .regex(new RegExp(`^$|${dnsSubdomain.source}`), 'must be a host name in lower case')
    .default('')
    .describe("name in the certificate of this cluster's API server, where it differs from the host of its URL"),
  useMetricsServer: z.boolean().default(false).describe('report usage from metrics.k8s.io'),
  tunnelAllow: z
    .array(z.string())
    .default([])
    .describe('range of addresses, or [range]:port, that may be reached through the tunnel besides the API server; repeatable'),
  tunnelReconnectMaxInterval: duration()
    .default(30_000)
    .describe('longest wait before a lost tunnel is tried again; the first tries come within a tenth of it'),
  enableTunnelLogging: z
    .boolean()
    .default(false)
    .describe('log each connection through the tunnel, without what it says (with --v=4)'),
  labelsAggregateThreshold: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe('share of the worker nodes that must have a label with the same value for the cluster to get it'),
  labelsAggregatePrefix: z
    .array(z.string())
    .default([nodeLabelPrefix])
    .describe('start of the labels of nodes that the cluster may get; repeatable'),
  predictorAddr: z
    .string()
    .default('')
    .describe('URL of a predictor of your own (http or https); the built-in one runs when empty (feature gate Predictor)'),
  predictorPort: z
    .int()
    .min(0)
    .max(65_535)
    .default(8080)
    .describe('port of the built-in predictor on the loopback address; 0 for any'),
  predictorDirectAccess: z
    .boolean()
    .default(false)
    .describe('the scheduler reaches --predictor-addr by itself, not through the tunnel'),
  visitors: z
    .boolean()
    .default(false)
    .describe('let users of the parent visit this cluster as themselves: its RBAC decides what they may do'),
  ...helmFlags,
  // One cluster, and a small machine perhaps.
  helmConcurrency: helmFlags.helmConcurrency.unwrap().default(2).describe('how many helm processes run at a time'),
  leaderElectResourceName: z.string().default(names.agent).describe('name of the Lease, whose UID is the id of this cluster'),
  securePort: z.int().min(0).max(65_535).default(10_650).describe('port of health checks and metrics; 0 turns them off'),
});

/** Parsed flags of the agent. */
export type AgentConfig = z.infer<typeof agentConfig>;

/** Every feature gate the agent knows, with its default. */
export const agentGates: Record<string, boolean> = {
  [featureGates.appPusher]: false,
  [featureGates.recovery]: false,
  [featureGates.socketConnection]: false,
  [featureGates.predictor]: false,
  [featureGates.multiClusterService]: false,
};

/** Gates that are known, as charts and peers name them, and that this version cannot turn on. */
export const missingGates = [featureGates.multiClusterService] as const;
