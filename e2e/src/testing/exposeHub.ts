// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Cluster } from '@clusternet/localup';
import { eventually } from './eventually.ts';

const merge = 'application/merge-patch+json';

/** Lets kube-apiserver reach a hub on this machine for an aggregated API, and waits until it does. */
export async function exposeHub(cluster: Cluster, apiService: string, port: number): Promise<void> {
  const namespace = 'clusternet-system';
  const name = 'clusternet-hub';
  const spec = { type: 'ExternalName', externalName: 'localhost', selector: null, clusterIP: null, clusterIPs: null };
  await cluster.api.request('PATCH', `/api/v1/namespaces/${namespace}/services/${name}`, { spec }, merge);
  const path = `/apis/apiregistration.k8s.io/v1/apiservices/${apiService}`;
  await cluster.api.request('PATCH', path, { spec: { service: { name, namespace, port } } }, merge);
  await eventually(async () => {
    const { status } = await cluster.api.request<ApiService>('GET', path);
    const available = status?.conditions?.find(({ type }) => type === 'Available');
    if (available?.status !== 'True') throw new Error(available?.message ?? `${apiService} has no condition yet`);
  });
}

interface ApiService {
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}
