// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type AnyObject, type KubeApi, until } from './kubeApi.ts';

/** What each simulated node offers. */
export interface NodeCapacity {
  /** Kubernetes quantities; the defaults are 8 CPUs, 32Gi of memory and 110 pods. */
  cpu?: string;
  memory?: string;
  pods?: string;
}

/** The Node objects that kwok brings to life. */
export function nodeObjects(cluster: string, count: number, capacity: NodeCapacity = {}): AnyObject[] {
  const offers = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi', ...capacity };
  return Array.from({ length: count }, (_, index) => {
    const name = `${cluster}-node-${index + 1}`;
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        annotations: { 'node.alpha.kubernetes.io/ttl': '0', 'kwok.x-k8s.io/node': 'fake' },
        labels: {
          type: 'kwok',
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          'node-role.kubernetes.io/worker': '',
        },
      },
      spec: {},
      status: { allocatable: offers, capacity: offers },
    };
  });
}

/** Creates the nodes, without waiting for them. */
export async function createNodes(api: KubeApi, nodes: AnyObject[]): Promise<void> {
  await Promise.all(nodes.map((node) => api.request('POST', '/api/v1/nodes', node)));
}

/** Waits until that many nodes are Ready. */
export async function nodesReady(api: KubeApi, count: number): Promise<void> {
  interface Node {
    status?: { conditions?: { type: string; status: string }[] };
    spec: { taints?: unknown[] };
  }
  await until({
    what: `${count} nodes Ready`,
    timeoutMs: 180_000,
    question: async () => {
      const { items } = await api.request<{ items: Node[] }>('GET', '/api/v1/nodes?limit=5000');
      const ready = items.filter(
        (node) =>
          node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') &&
          (node.spec.taints ?? []).length === 0,
      );
      if (ready.length < count) throw new Error(`${ready.length} are`);
      return true;
    },
  });
}
