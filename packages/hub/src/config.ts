// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { featureGates, names } from '@clusternet/api-types';
import { apiServerConfig } from '@clusternet/apiserver';
import { helmFlags } from '@clusternet/deployer';
import { duration, type FeatureGates } from '@clusternet/runtime';
import * as z from 'zod';

/** Flags of the hub; those that every service has come from the runtime. */
export const hubConfig = z.object({
  ...apiServerConfig.shape,
  serviceName: z
    .string()
    .min(1)
    .default(names.hub)
    .describe('name of the Service through which kube-apiserver reaches the hub; its certificate is for it'),
  peerPort: z.int().min(0).max(65_535).default(8123).describe('port on which other replicas reach this one; 0 for any'),
  peerAdvertiseAddress: z
    .string()
    .optional()
    .describe('address at which other replicas reach this one; default: the first that is not loopback'),
  reservedNamespace: z
    .string()
    .default(names.reservedNamespace)
    .describe('namespace of the Manifests; no cluster gets it as its own'),
  ...helmFlags,
  registrationApproval: z
    .enum(['auto', 'manual'])
    .default('auto')
    .describe('who approves clusters that ask to join: the hub at once, or a person one by one'),
  credentialLifetime: duration()
    .default(720 * 3_600_000)
    .describe('life of the credential of a cluster in the parent, at least 10m; it is renewed at half of it')
    .meta({ secret: false }),
  failoverAfter: duration()
    .default(300_000)
    .describe('how long a cluster is not ready before workloads leave it; 0 keeps them there for good'),
  failoverInterval: duration().default(10_000).describe('shortest time between two clusters that workloads leave'),
  failoverMaxShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('when more than this share of the clusters is not ready at once, workloads stay where they are'),
  gracefulMoveTimeout: duration()
    .default(300_000)
    .describe(
      'how long an application stays in a cluster that it is to leave while it is not up in the others; 0 for not at all',
    ),
  clusterApiNamespaces: z
    .array(z.string())
    .default([])
    .describe('namespace whose clusters of Cluster API (cluster.x-k8s.io) are registered; repeatable'),
  clusterApiKubeconfig: z
    .string()
    .default('')
    .describe(
      'kubeconfig of the management cluster of Cluster API; default: this cluster. Without namespaces all of its are looked at',
    ),
  clusterApiParentUrl: z.string().default('').describe("URL of this cluster's API server for the agents of those clusters"),
  clusterApiAgentRepo: z
    .string()
    .default('oci://ghcr.io/clusternet/charts')
    .describe('repository of the chart clusternet-agent, which those clusters get'),
  clusterApiAgentVersion: z.string().default('').describe('version of that chart; default: that of the hub'),
  clusterApiAgentValues: z.string().default('').describe('further values of that chart, JSON'),
  allowClearCredentials: z
    .boolean()
    .default(false)
    .describe(
      'hand out credentials in clear to agents that send no public key; everybody who may read the requests can then read them',
    ),
});
export type HubConfig = z.infer<typeof hubConfig>;

/** Feature gates of the hub with their defaults. */
export const hubGates: Record<string, boolean> = {
  [featureGates.deployer]: true,
  [featureGates.socketConnection]: false,
  [featureGates.shadowApi]: false,
  [featureGates.feedInUseProtection]: false,
  [featureGates.feedInventory]: true,
  [featureGates.clusterInit]: false,
  [featureGates.multiClusterService]: false,
  [featureGates.recovery]: false,
};

const implemented: readonly string[] = [
  featureGates.deployer,
  featureGates.recovery,
  featureGates.socketConnection,
  featureGates.shadowApi,
  featureGates.clusterInit,
  featureGates.feedInventory,
];

/** @throws Error that names the gates which are on, but have nothing behind them in this version. */
export function checkGates(gates: Pick<FeatureGates, 'enabled'>): void {
  const missing = Object.keys(hubGates).filter((name) => gates.enabled(name) && !implemented.includes(name));
  if (missing.length === 0) return;
  throw new Error(
    `this version does not have ${missing.join(', ')}; remove ${missing.length === 1 ? 'it' : 'them'} from --feature-gates ` +
      `(available: ${implemented.join(', ')})`,
  );
}
