// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { names } from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';
import { type HelmEngine } from '@clusternet/deployer';
import { closeAll, EventRecorder } from '@clusternet/runtime';
import { type HubConfig } from '../config.ts';
import { type Controller, type ControllerContext } from '../controller.ts';
import { guardedApi } from '../kube/guardedApi.ts';
import { HelmAgentInstaller } from './agentInstaller.ts';
import { bootstrapTokens, ClusterDiscovery } from './clusterDiscovery.ts';
import { ClusterSources } from './clusterSources.ts';

/** What the hub has that the discovery needs. */
export interface CreateClusterDiscoveryOptions {
  config: HubConfig & { leaderElectResourceNamespace: string };
  client: KubeClient;
  helm: HelmEngine;
  tunnels: boolean;
  version: string;
  signal: AbortSignal;
}

/** Whether clusters of Cluster API are to be registered. */
export function discoversClusters({ clusterApiNamespaces, clusterApiKubeconfig }: HubConfig): boolean {
  return clusterApiNamespaces.length > 0 || clusterApiKubeconfig !== '';
}

/** @throws Error when clusters are to be registered, and something is missing for that. */
export function checkClusterApi(config: HubConfig): void {
  if (!discoversClusters(config)) return;
  const { clusterApiParentUrl: url } = config;
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new Error(
      "--cluster-api-parent-url must be the https:// URL of this cluster's API server, as the clusters that are found reach it",
    );
  }
  agentValuesOf(config);
}

/** Puts the discovery together; the management cluster is the parent unless there is a kubeconfig of another one. */
export async function createClusterDiscovery(context: ControllerContext, o: CreateClusterDiscoveryOptions): Promise<Controller> {
  const { config, client, helm, signal } = o;
  const { clusterApiKubeconfig: path, clusterApiNamespaces: namespaces } = config;
  const { logger, metrics } = context;
  const other = path === '' ? undefined : await KubeClient.fromKubeConfig({ path, userAgent: names.hub });
  const management = other ?? client;
  const recorder = other ? new EventRecorder({ client: other, component: names.hub, logger }) : undefined;
  const sources: ClusterSources = new ClusterSources({
    client: management,
    namespaces,
    onChange: (cluster) => discovery.changed(cluster),
    onKnown: () => {
      for (const cluster of sources.list()) discovery.changed(cluster);
      discovery.sweep().catch((error: unknown) => logger.warn('clusters that are gone were not looked for', { error }));
    },
    logger,
    metrics,
    signal,
  });
  const discovery = new ClusterDiscovery(context, {
    management: other ? guardedApi(other, signal) : context.api,
    recorder: recorder ?? context.recorder,
    source: sources,
    namespaces,
    installer: new HelmAgentInstaller({
      helm,
      chart: { repo: config.clusterApiAgentRepo, version: config.clusterApiAgentVersion || chartVersionOf(o.version) },
      parentUrl: config.clusterApiParentUrl,
      parentCaPem: () => client.caPem,
      now: context.now,
    }),
    token: bootstrapTokens(context.api, { namespace: config.leaderElectResourceNamespace, account: 'cluster-bootstrap-use' }),
    tunnels: o.tunnels,
    agentValues: agentValuesOf(config),
  });
  return {
    start: () => {
      discovery.start();
      sources.start();
    },
    close: async () => {
      await closeAll(sources, discovery);
      await closeAll(...[recorder, other].filter((one) => one !== undefined));
    },
  };
}

/** The chart of the hub's own version; the newest for a hub that was not released. */
function chartVersionOf(version: string): string {
  const released = /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(version)?.[1];
  return released === undefined || released.endsWith('-dev') ? '' : released;
}

function agentValuesOf({ clusterApiAgentValues: text }: HubConfig): Record<string, unknown> {
  let values: unknown;
  try {
    values = JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new Error('--cluster-api-agent-values must be JSON', { cause });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new Error('--cluster-api-agent-values must be a JSON object with values of the chart clusternet-agent');
  }
  return values as Record<string, unknown>;
}
