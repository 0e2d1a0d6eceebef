// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Base,
  type Description,
  type Feed,
  labels,
  type ManagedCluster,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { type Namespace } from '../kube/objects.ts';
import { type FakeCluster } from './fakeCluster.ts';

/** A cluster id that differs in its last digits. */
export function idOf(n: number): string {
  return `11111111-2222-4333-8444-${String(n).padStart(12, '0')}`;
}

/** Puts a registered cluster there: dedicated namespace `ns<n>` and ManagedCluster `child<n>`. */
export function putCluster(
  cluster: FakeCluster,
  n: number,
  spec: Partial<ManagedCluster['spec']> = {},
  status?: ManagedCluster['status'],
): ManagedCluster {
  const pairs = { [labels.createdBy]: 'clusternet-agent', [labels.clusterId]: idOf(n), [labels.clusterName]: `child${n}` };
  cluster.put<Namespace>(core.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `ns${n}`, labels: pairs } });
  return cluster.put(resources.managedClusters, {
    apiVersion: apiVersionOf(resources.managedClusters),
    kind: 'ManagedCluster',
    metadata: { name: `child${n}`, namespace: `ns${n}`, labels: pairs },
    spec: { clusterId: idOf(n), syncMode: 'Pull', ...spec },
    ...(status ? { status } : {}),
  });
}

/** The feed of most tests. */
export const webFeed: Feed = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };

/** Puts a Subscription there that a scheduler has bound to clusters of {@link putCluster}. */
export function putSubscription(
  cluster: FakeCluster,
  o: { bound?: number[]; feeds?: Feed[]; name?: string; previous?: Subscription } = {},
): Subscription {
  const { bound, feeds = [webFeed], name = 'app', previous } = o;
  return cluster.put(resources.subscriptions, {
    apiVersion: apiVersionOf(resources.subscriptions),
    kind: 'Subscription',
    metadata: previous?.metadata ?? { name, namespace: 'shop', generation: 1 },
    spec: { subscribers: [{ clusterAffinity: {} }], feeds },
    ...(bound ? { status: { ...previous?.status, bindingClusters: bound.map((n) => `ns${n}/child${n}`), specHash: 1 } } : {}),
  });
}

/** Puts the Description there that a Base is rendered into. */
export function putDescription(
  cluster: FakeCluster,
  base: Base,
  status?: Description['status'],
  spec: Partial<Description['spec']> = {},
): Description {
  const { name, namespace, labels: pairs } = base.metadata;
  const metadata = { name: `${name}-generic`, namespace, labels: pairs, generation: 1 };
  const present = cluster.get<Description>(resources.descriptions, `${namespace ?? ''}/${metadata.name}`);
  return cluster.put(resources.descriptions, {
    apiVersion: apiVersionOf(resources.descriptions),
    kind: 'Description',
    metadata: present?.metadata ?? metadata,
    spec: { deployer: 'Generic', ...spec },
    ...(status ? { status } : {}),
  });
}
