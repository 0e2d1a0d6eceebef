// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  feedKey,
  type Feed,
  type FeedInventory,
  type ManagedCluster,
  type Subscription,
  type Taint,
} from '@clusternet/api-types';

/** A cluster named `name` in namespace `ns-<name>`. */
export function cluster(
  name: string,
  o: { labels?: Record<string, string>; taints?: Taint[]; status?: ManagedCluster['status'] } = {},
): ManagedCluster {
  return {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { name, namespace: `ns-${name}`, labels: o.labels ?? {} },
    spec: { clusterId: '11111111-1111-1111-1111-111111111111', syncMode: 'Pull', ...(o.taints ? { taints: o.taints } : {}) },
    ...(o.status ? { status: o.status } : {}),
  };
}

/** What the agent of a cluster with so many CPUs reports. */
export function offers(cpu: number, memoryGi = cpu * 4): NonNullable<ManagedCluster['status']> {
  return { allocatable: { cpu: String(cpu), memory: `${memoryGi}Gi` } };
}

export const web: Feed = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };
export const webKey = feedKey(web);

type Dynamic = NonNullable<NonNullable<Subscription['spec']['dividingScheduling']>['dynamicDividing']>;

/** A Subscription of {@link web} that selects every cluster. */
export function subscription(spec: Partial<Subscription['spec']> = {}, status?: Subscription['status']): Subscription {
  return {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name: 'app', namespace: 'default', uid: 'u1', generation: 1 },
    spec: { subscribers: [{ clusterAffinity: {} }], feeds: [web], ...spec },
    ...(status ? { status } : {}),
  };
}

/** Divides dynamically. */
export function dynamic(dynamicDividing: Dynamic = {}): Partial<Subscription['spec']> {
  return { schedulingStrategy: 'Dividing', dividingScheduling: { type: 'Dynamic', dynamicDividing } };
}

/** Divides by weights of the label `tier`. */
export function byWeight(weights: Record<string, number>): Partial<Subscription['spec']> {
  return {
    schedulingStrategy: 'Dividing',
    dividingScheduling: { type: 'Static' },
    subscribers: Object.entries(weights).map(([tier, weight]) => ({ clusterAffinity: { matchLabels: { tier } }, weight })),
  };
}

/** The inventory of a Subscription of {@link web}. */
export function inventory(desiredReplicas: number, cpu = '1'): FeedInventory {
  return {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'FeedInventory',
    metadata: { name: 'app', namespace: 'default' },
    spec: {
      feeds: [
        { ...web, desiredReplicas, replicaJsonPath: '/spec/replicas', replicaRequirements: { resources: { requests: { cpu } } } },
      ],
    },
  };
}

/** The status of a Subscription with so many replicas in each cluster. */
export function placed(replicas: Record<string, number>): Subscription['status'] {
  const names = Object.keys(replicas).sort();
  return {
    bindingClusters: names.map((name) => `ns-${name}/${name}`),
    replicas: { [webKey]: names.map((name) => replicas[name] ?? 0) },
  };
}
