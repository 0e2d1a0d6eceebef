// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster, resources } from '@clusternet/api-types';
import type { KubeConfig } from '@kubernetes/client-node';
import { childCredentialHeaders, type ChildCredentials, childPath } from './childAccess.ts';
import { type HeaderValues } from './credentials.ts';
import { deriveKubeConfig, type DerivedKubeConfig } from './derivedKubeConfig.ts';
import { type ClientOptions, KubeClient } from './kubeClient.ts';
import { rewriteForShadow } from './shadow.ts';

/**
 * Wraps a KubeConfig of the parent so that everything client-node does with it (generated APIs, `KubernetesObjectApi`, informers, watches)
 * reads and writes shadow objects: templates that Subscriptions deploy to children, and that run nowhere in the parent.
 */
export function wrapKubeConfig(parent: KubeConfig): DerivedKubeConfig {
  return deriveKubeConfig(parent, { rewrite: rewriteForShadow });
}

/** A KubeConfig whose requests carry further headers, such as those of impersonation. */
export function withHeaders(config: KubeConfig, headers: HeaderValues): DerivedKubeConfig {
  return deriveKubeConfig(config, { headers });
}

/** A KubeConfig of a child, reached through the parent: as oneself, or with a credential of the child. */
export function childKubeConfig(parent: KubeConfig, clusterId: string, credentials: ChildCredentials = {}): DerivedKubeConfig {
  return deriveKubeConfig(parent, { pathBelow: childPath(clusterId), headers: childCredentialHeaders(credentials) });
}

/** Options of {@link openChild}. */
export interface OpenChildOptions extends ClientOptions {
  /** How the parent is reached, and as whom. */
  parent: KubeConfig;
  /** Id of the child, or name of its ManagedCluster, which one must then be allowed to list. */
  cluster: string;
  /** As whom to act in the child; as oneself if left out, which the child has to consent to. */
  credentials?: ChildCredentials;
}

/** A child that is reached through the parent. */
export interface ChildCluster extends AsyncDisposable {
  readonly clusterId: string;
  readonly client: KubeClient;
  /** For the classes of client-node. */
  readonly config: KubeConfig;
  close(): Promise<void>;
}

/**
 * Opens a child through the parent's login and the child's tunnel; its own address need not be reachable from here.
 *
 * @throws Error when no cluster, or more than one, has the name; ApiError when the parent refuses to list them
 */
export async function openChild(o: OpenChildOptions): Promise<ChildCluster> {
  const clusterId = isClusterId(o.cluster) ? o.cluster : await idOf(o);
  const config = childKubeConfig(o.parent, clusterId, o.credentials);
  const client = await KubeClient.fromClientNode(config, o);
  const close = async (): Promise<void> => void (await Promise.all([client.close(), config.close()]));
  return { clusterId, client, config, close, [Symbol.asyncDispose]: close };
}

/** True for what is a cluster id and not a name. */
export function isClusterId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/**
 * The cluster with this name or id.
 *
 * @throws Error when there is none, or more than one
 */
export async function findCluster(parent: KubeClient, nameOrId: string): Promise<ManagedCluster> {
  const { items } = await parent.resource<ManagedCluster>(resources.managedClusters).list();
  const found = items.filter(({ metadata, spec }) => metadata.name === nameOrId || spec.clusterId === nameOrId);
  const [cluster] = found;
  if (!cluster) throw new Error(`there is no cluster "${nameOrId}" in ${parent.server}${suggestion(nameOrId, items)}`);
  if (found.length > 1) {
    const ids = found.map(({ metadata, spec }) => `${spec.clusterId} (namespace ${metadata.namespace})`).join(', ');
    throw new Error(`${found.length} clusters are called "${nameOrId}": name one by its id: ${ids}`);
  }
  return cluster;
}

async function idOf({ parent, cluster }: OpenChildOptions): Promise<string> {
  await using client = await KubeClient.fromClientNode(parent);
  return (await findCluster(client, cluster)).spec.clusterId;
}

function suggestion(wanted: string, items: ManagedCluster[]): string {
  if (items.length === 0) return ': no cluster is registered there';
  const names = items.map(({ metadata }) => metadata.name).sort();
  const few = names.slice(0, 5).join(', ') + (names.length > 5 ? ', ...' : '');
  return isClusterId(wanted) ? '' : `: it has ${few}`;
}
