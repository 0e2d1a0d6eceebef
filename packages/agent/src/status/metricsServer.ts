// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedClusterStatus, sumQuantities } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';

interface NodeMetrics {
  usage?: Record<string, string>;
}

interface PodMetrics {
  containers?: unknown[];
}

/** Usage as the metrics server says; empty where it does not answer. */
export async function collectUsage(
  client: KubeClient,
  signal: AbortSignal,
): Promise<Pick<ManagedClusterStatus, 'podStatistics' | 'resourceUsage'>> {
  const list = async <T>(resource: string): Promise<T[] | undefined> => {
    try {
      const path = `/apis/metrics.k8s.io/v1beta1/${resource}`;
      return (await client.request<{ items?: T[] }>({ method: 'GET', path, signal })).items ?? [];
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  const [nodes, pods] = await Promise.all([list<NodeMetrics>('nodes'), list<PodMetrics>('pods')]);
  return {
    ...(nodes
      ? {
          resourceUsage: {
            cpuUsage: sumQuantities(nodes.map((node) => node.usage?.cpu ?? '0')),
            memoryUsage: sumQuantities(nodes.map((node) => node.usage?.memory ?? '0')),
          },
        }
      : {}),
    ...(pods
      ? { podStatistics: { totalPods: pods.length, runningPods: pods.filter((pod) => (pod.containers?.length ?? 0) > 0).length } }
      : {}),
  };
}
