// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedClusterStatus } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { type Logger } from '@clusternet/runtime';
import { type NodeLabelOptions } from '../options.ts';
import { apiKindsOf } from './apiKinds.ts';
import { findCidrFlag, type ClusterCidrs, type ControlPlanePod } from './cidr.ts';
import { aggregateLabels } from './nodeLabels.ts';
import { nodeResources, nodeStatistics, type NodeSummary } from './nodes.ts';

/** Parts of the status that are the same for the life of the process. */
export type FixedStatus = Pick<
  ManagedClusterStatus,
  | 'agentVersion'
  | 'apiserverURL'
  | 'appPusher'
  | 'useSocket'
  | 'kubeQPS'
  | 'kubeBurst'
  | 'heartbeatFrequencySeconds'
  | 'predictorEnabled'
  | 'predictorAddress'
  | 'predictorDirectAccess'
>;

/** How the parent verifies the API server of this cluster at the other end of the tunnel. */
export type ReportedTrust = Pick<ManagedClusterStatus, 'apiserverCABundle' | 'apiserverTLSServerName'>;

/** What one look at the child needs. */
export interface CollectOptions {
  client: KubeClient;
  nodes: readonly NodeSummary[];
  nodeLabels: NodeLabelOptions;
  cidrs: ClusterCidrs;
  /** Kinds that were found at the last look. */
  apiKinds: readonly string[] | undefined;
  fixed: FixedStatus & ReportedTrust;
  signal: AbortSignal;
}

const probeTimeoutMs = 10_000;

/** Looks at the child. What cannot be found out leaves its fields empty or false; this never rejects unless aborted. */
export async function collectStatus({
  client,
  nodes,
  nodeLabels,
  cidrs,
  apiKinds,
  fixed,
  signal,
}: CollectOptions): Promise<ManagedClusterStatus> {
  const probe = async (path: string): Promise<boolean> => {
    try {
      return (await client.text({ method: 'GET', path, signal, timeoutMs: probeTimeoutMs })).status === 200;
    } catch {
      return false;
    }
  };
  const [version, kinds, healthz, livez, readyz] = await Promise.all([
    client
      .request<{ gitVersion?: string; platform?: string }>({ method: 'GET', path: '/version', signal, timeoutMs: probeTimeoutMs })
      .catch(() => undefined),
    client.mapper.discover().then(
      (discovery) => apiKindsOf(discovery, apiKinds),
      () => apiKinds,
    ),
    probe('/healthz'),
    probe('/livez'),
    probe('/readyz'),
  ]);
  signal.throwIfAborted();
  const labels = aggregateLabels(nodes, nodeLabels);
  return {
    ...fixed,
    ...(version?.gitVersion ? { k8sVersion: version.gitVersion } : {}),
    ...(version?.platform ? { platform: version.platform } : {}),
    healthz,
    livez,
    readyz,
    ...(kinds === undefined ? {} : { apiKinds: [...kinds] }),
    ...cidrs,
    nodeStatistics: nodeStatistics(nodes),
    ...nodeResources(nodes),
    ...(Object.keys(labels).length > 0 ? { nodeLabels: labels } : {}),
  };
}

const serviceFlag = '--service-cluster-ip-range';
const clusterFlag = '--cluster-cidr';

/**
 * Finds the child's address ranges in the commands of its control plane. Only pods of kube-system count, as any user can make a pod
 * with the right label elsewhere. One LIST finds them in most clusters; the others are tried for what is still missing.
 */
export async function discoverCidrs(
  client: KubeClient,
  fallback: ClusterCidrs,
  o: { signal: AbortSignal; logger: Logger },
): Promise<ClusterCidrs> {
  const found: ClusterCidrs = {};
  const look = async (labelSelector: string, flags: { service: boolean }) => {
    const { items } = await client
      .resource<ControlPlanePod>(core.pods)
      .list({ namespace: 'kube-system', labelSelector, limit: 100, signal: o.signal });
    if (flags.service) found.serviceCIDR ??= findCidrFlag(items, serviceFlag);
    found.clusterCIDR ??= findCidrFlag(items, clusterFlag);
  };
  try {
    for (const key of ['component', 'app.kubernetes.io/component']) {
      if (!found.serviceCIDR || !found.clusterCIDR)
        await look(`${key} in (kube-apiserver,kube-controller-manager)`, { service: true });
    }
    if (!found.clusterCIDR) await look('k8s-app=kube-proxy', { service: false });
  } catch (error) {
    o.signal.throwIfAborted();
    o.logger.info('address ranges of this cluster could not be looked up', { error });
  }
  const serviceCIDR = found.serviceCIDR ?? fallback.serviceCIDR;
  const clusterCIDR = found.clusterCIDR ?? fallback.clusterCIDR;
  return { ...(serviceCIDR ? { serviceCIDR } : {}), ...(clusterCIDR ? { clusterCIDR } : {}) };
}
