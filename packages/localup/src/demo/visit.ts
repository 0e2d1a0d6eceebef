// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { labels } from '@clusternet/api-types';
import { parse, stringify } from 'yaml';
import { type Cluster } from '../cluster.ts';

/** The admin of the parent; children know nobody of that name until they are told. */
const parentAdmin = 'localup-admin';

interface Kubeconfig {
  clusters: [{ cluster: { server: string } }];
}

interface Connected {
  items: { metadata: { name: string; labels?: Record<string, string> } }[];
}

/**
 * Lets the parent's admin into a child, and writes the kubeconfig by which one goes there: the parent's own, only with the way to the child
 * behind the server's address. Resolves to its path.
 */
export async function openVisit(parent: Cluster, child: Cluster): Promise<string> {
  const clusterId = await idOf(parent, child.name);
  const roleBinding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'parent-admin' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: parentAdmin }],
  };
  await child.api.request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', roleBinding);
  const config = parse(parent.kubeconfig) as Kubeconfig;
  const [{ cluster }] = config.clusters;
  cluster.server += `/apis/proxies.clusternet.io/v1alpha1/sockets/${clusterId}/proxy/direct`;
  const path = join(dirname(parent.kubeconfigPath), `visit-${child.name}.kubeconfig`);
  await writeFile(path, stringify(config, { lineWidth: 0 }));
  // It holds the key of the parent's admin.
  await chmod(path, 0o600);
  return path;
}

async function idOf(parent: Cluster, name: string): Promise<string> {
  const { items } = await parent.api.request<Connected>('GET', '/apis/clusters.clusternet.io/v1beta1/managedclusters');
  const id = items.find(({ metadata }) => metadata.name === name)?.metadata.labels?.[labels.clusterId];
  if (id === undefined) throw new Error(`the parent has no ManagedCluster ${name}`);
  return id;
}
