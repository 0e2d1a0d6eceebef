// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type ClusterRegistrationRequest,
  createdBy,
  type Description,
  type FeedInventory,
  fieldManagers,
  type HelmChart,
  type HelmRelease,
  type KubeObject,
  labels,
  type Localization,
  type ManagedCluster,
  names,
  type ResourceDefinition,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { type Store } from './kube/api.ts';
import { type HeartbeatLease } from './lifecycle/heartbeat.ts';
import { keepManagedFields, type Namespace, type Role, type RoleBinding, type Secret } from './kube/objects.ts';

/** Names of the indexes of the shared stores. */
export const indexes = {
  clusterId: 'clusterId',
  clusterName: 'clusterName',
  namespace: 'namespace',
  uid: 'uid',
  subscriptionUid: 'subscriptionUid',
  subscription: 'subscription',
  boundNamespace: 'boundNamespace',
  owner: 'owner',
} as const;

/** Everything the controllers read, one store per kind. */
export interface Stores {
  requests: Store<ClusterRegistrationRequest>;
  /** Dedicated namespaces only. */
  namespaces: Store<Namespace>;
  managedClusters: Store<ManagedCluster>;
  serviceAccounts: Store<KubeObject>;
  clusterRoles: Store<Role>;
  clusterRoleBindings: Store<RoleBinding>;
  roles: Store<Role>;
  roleBindings: Store<RoleBinding>;
  /** Secrets `child-cluster-deployer` only. */
  childSecrets: Store<Secret>;
  /** Leases by which agents say that they are there. */
  heartbeats: Store<HeartbeatLease>;
  subscriptions: Store<Subscription>;
  bases: Store<Base>;
  descriptions: Store<Description>;
  helmCharts: Store<HelmChart>;
  helmReleases: Store<HelmRelease>;
  /** Secrets `helm-chart-credentials` only. */
  chartSecrets: Store<Secret>;
  feedInventories: Store<FeedInventory>;
  /** Those that divisions made. */
  localizations: Store<Localization>;
}

type Indexers = Record<string, (object: KubeObject) => string[]>;

const byLabel =
  (label: string) =>
  (object: KubeObject): string[] => {
    const value = object.metadata.labels?.[label];
    return value ? [value] : [];
  };
const byNamespace = (object: KubeObject): string[] => (object.metadata.namespace ? [object.metadata.namespace] : []);
const byUid = (object: KubeObject): string[] => (object.metadata.uid ? [object.metadata.uid] : []);
const ofCluster: Indexers = { [indexes.clusterId]: byLabel(labels.clusterId), [indexes.namespace]: byNamespace };

/** What is watched, how narrowly, and by what it is found. The order is that of the start. */
export const watched: Record<
  keyof Stores,
  {
    resource: ResourceDefinition;
    labelSelector?: string;
    fieldSelector?: string;
    indexers: Indexers;
    transform?: (object: KubeObject) => KubeObject;
  }
> = {
  namespaces: {
    resource: core.namespaces,
    labelSelector: `${labels.createdBy}=${createdBy.agent}`,
    indexers: { ...ofCluster, [indexes.clusterName]: byLabel(labels.clusterName) },
  },
  requests: {
    resource: resources.clusterRegistrationRequests,
    indexers: {
      [indexes.clusterName]: (object) => {
        const name = (object as ClusterRegistrationRequest).spec?.clusterName;
        return name ? [name] : [];
      },
    },
  },
  managedClusters: {
    resource: resources.managedClusters,
    // They tell which labels came with the request, and may leave with it.
    transform: (object) => keepManagedFields(object, [fieldManagers.hub, `${fieldManagers.hub}-nodes`]),
    indexers: { ...ofCluster, [indexes.clusterName]: byLabel(labels.clusterName) },
  },
  serviceAccounts: {
    resource: core.serviceAccounts,
    labelSelector: `${labels.createdBy}=${createdBy.agent}`,
    indexers: ofCluster,
  },
  clusterRoles: rbac(core.clusterRoles),
  clusterRoleBindings: rbac(core.clusterRoleBindings),
  roles: rbac(core.roles),
  roleBindings: rbac(core.roleBindings),
  // The name as a field selector lets RBAC allow just this name, and keeps every other Secret out of memory.
  childSecrets: { resource: core.secrets, fieldSelector: `metadata.name=${names.childClusterDeployer}`, indexers: ofCluster },
  heartbeats: {
    resource: core.leases,
    fieldSelector: `metadata.name=${names.heartbeatLease}`,
    transform: ({ apiVersion, kind, metadata: { managedFields: _, ...metadata }, spec }) => ({
      apiVersion,
      kind,
      metadata,
      spec: { renewTime: (spec as HeartbeatLease['spec'])?.renewTime },
    }),
    indexers: ofCluster,
  },
  subscriptions: {
    resource: resources.subscriptions,
    indexers: {
      [indexes.uid]: byUid,
      [indexes.boundNamespace]: (object) =>
        ((object as Subscription).status?.bindingClusters ?? []).map((binding) =>
          binding.slice(0, Math.max(0, binding.indexOf('/'))),
        ),
    },
  },
  bases: {
    resource: resources.bases,
    indexers: { [indexes.namespace]: byNamespace, [indexes.subscriptionUid]: byLabel(labels.subsUid), [indexes.uid]: byUid },
  },
  descriptions: {
    resource: resources.descriptions,
    indexers: { [indexes.namespace]: byNamespace, [indexes.subscriptionUid]: byLabel(labels.subsUid) },
  },
  helmCharts: { resource: resources.helmCharts, indexers: {} },
  helmReleases: {
    resource: resources.helmReleases,
    indexers: {
      [indexes.namespace]: byNamespace,
      [indexes.owner]: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
    },
  },
  chartSecrets: {
    resource: core.secrets,
    fieldSelector: `metadata.name=${names.chartCredentials}`,
    indexers: { [indexes.namespace]: byNamespace },
  },
  feedInventories: { resource: resources.feedInventories, indexers: {} },
  localizations: {
    resource: resources.localizations,
    labelSelector: `${labels.createdBy}=${createdBy.controllerManager},${labels.subsUid}`,
    indexers: { [indexes.subscriptionUid]: byLabel(labels.subsUid) },
  },
};

function rbac(resource: ResourceDefinition): (typeof watched)[keyof Stores] {
  return {
    resource,
    labelSelector: `${labels.createdBy}=${createdBy.controllerManager},${labels.clusterId}`,
    indexers: ofCluster,
  };
}

/** The shared informers of one term of leadership. */
export interface Informers {
  stores: Stores;
  /** For the deployers, which ask for the informer itself. */
  descriptions: Informer<Description>;
  releases: Informer<HelmRelease>;
  start(): void;
  /** True when every store shows what is there. */
  readonly synced: boolean;
  waitForSync(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Makes one informer per kind; nothing is asked before `start`. */
export function createInformers(o: { client: KubeClient; logger: Logger; metrics: Metrics }): Informers {
  const keys = Object.keys(watched) as (keyof Stores)[];
  const informers = Object.fromEntries(keys.map((key) => [key, new Informer<KubeObject>({ ...o, ...watched[key] })])) as Record<
    keyof Stores,
    Informer<KubeObject>
  >;
  const all = Object.values(informers);
  return {
    stores: informers as unknown as Stores,
    descriptions: informers.descriptions as unknown as Informer<Description>,
    releases: informers.helmReleases as unknown as Informer<HelmRelease>,
    start: () => {
      for (const informer of all) informer.start();
    },
    get synced() {
      return all.every((informer) => informer.synced);
    },
    waitForSync: async (signal) => {
      await Promise.all(all.map((informer) => informer.waitForSync(signal)));
    },
    close: async () => {
      await Promise.all(all.map((informer) => informer.close()));
    },
  };
}
