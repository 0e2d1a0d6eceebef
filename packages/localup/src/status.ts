// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { messageOf } from './errors.ts';
import { KubeApi } from './kubeApi.ts';
import { type SetFile } from './setFile.ts';

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/** Asks each cluster of a set whether it is ready: `ready`, or what stands in the way, by name. */
export async function probeSet(set: SetFile): Promise<Map<string, string>> {
  const states = await Promise.all(
    set.clusters.map(async ({ name, kubeconfigPath }) => [name, await probe(kubeconfigPath)] as const),
  );
  return new Map(states);
}

async function probe(kubeconfigPath: string): Promise<string> {
  try {
    await using stack = new AsyncDisposableStack();
    const { clusters, users } = parse(await readFile(kubeconfigPath, 'utf8')) as Kubeconfig;
    const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
    if (!cluster || !user) return 'its kubeconfig is empty';
    const api = new KubeApi({
      server: cluster.server,
      caPem: decode(cluster['certificate-authority-data']),
      certificate: { cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) },
    });
    stack.defer(() => api.close());
    const answer = await api.text('GET', '/readyz');
    return answer.status === 200 ? 'ready' : `not ready (${answer.status})`;
  } catch (cause) {
    return `not reached (${messageOf(cause)})`;
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
