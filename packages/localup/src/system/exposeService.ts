// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { type Cluster } from '../cluster.ts';
import { until } from '../kubeApi.ts';

/** What {@link exposeService} points where. */
export interface ExposeOptions {
  cluster: Cluster;
  namespace: string;
  /** Name of the Service. */
  service: string;
  /** APIServices served through it. */
  apiServices: string[];
  /** Port of the process on this machine. */
  port: number;
}

/**
 * Lets kube-apiserver reach a process of this machine as the Service that would stand before its pods, and waits until it does. By name, as
 * Endpoints may not hold a loopback address.
 */
export async function exposeService({ cluster, namespace, service, apiServices, port }: ExposeOptions): Promise<void> {
  const { api } = cluster;
  const merge = 'application/merge-patch+json';
  const spec = { type: 'ExternalName', externalName: 'localhost', selector: null, clusterIP: null, clusterIPs: null };
  await api.request('PATCH', `/api/v1/namespaces/${namespace}/services/${service}`, { spec }, merge);
  for (const name of apiServices) {
    const path = `/apis/apiregistration.k8s.io/v1/apiservices/${name}`;
    await api.request('PATCH', path, { spec: { service: { name: service, namespace, port } } }, merge);
    await until({
      what: `${cluster.name}: APIService ${name} available`,
      timeoutMs: 180_000,
      question: async () => {
        const { status } = await api.request<ApiService>('GET', path);
        const available = status?.conditions?.find(({ type }) => type === 'Available');
        if (available?.status !== 'True') throw new Error(available?.message ?? 'it has no condition yet');
        return true;
      },
    });
  }
}

interface ApiService {
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}
