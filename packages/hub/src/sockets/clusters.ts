// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createdBy, type KubeObject, labels, type ManagedCluster, names, resources, secretKeys } from '@clusternet/api-types';
import { core, type KubeClient } from '@clusternet/client';
import { Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { byAge, isDeleting, type Secret } from '../kube/objects.ts';

/** What every replica knows of the clusters, whether it leads or not. */
export interface Clusters {
  /** The cluster with that id; the oldest of several. */
  find(clusterId: string): ManagedCluster | undefined;
  /** The cluster with that id in that dedicated namespace. */
  inNamespace(namespace: string, clusterId: string): ManagedCluster | undefined;
  serviceAccount(namespace: string, name: string): KubeObject | undefined;
  /** Token by which one may impersonate in the child; undefined unless the child consents. */
  visitorToken(namespace: string): string | undefined;
  /** Calls back with the id of a cluster when its registration or its rights have changed. */
  onChange(handler: (clusterId: string) => void): () => void;
}

/** {@link Clusters} that follow the parent's API server. */
export interface ClusterInformers extends Clusters {
  start(): void;
  readonly synced: boolean;
  close(): Promise<void>;
}

const byLabel =
  (label: string) =>
  (object: KubeObject): string[] => {
    const value = object.metadata.labels?.[label];
    return value ? [value] : [];
  };

/** Only what is looked at is kept: every replica holds this for every cluster. */
const bare = <T extends KubeObject>({ apiVersion, kind, metadata }: T): T => {
  const { name, namespace, uid, labels: own, deletionTimestamp, creationTimestamp, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, labels: own, deletionTimestamp, creationTimestamp, resourceVersion },
  } as T;
};

/** Makes the informers; nothing is asked before `start`. */
export function createClusterInformers(o: { client: KubeClient; logger: Logger; metrics: Metrics }): ClusterInformers {
  const clusters = new Informer<ManagedCluster>({
    ...o,
    resource: resources.managedClusters,
    indexers: { clusterId: byLabel(labels.clusterId) },
  });
  const accounts = new Informer<KubeObject>({
    ...o,
    resource: core.serviceAccounts,
    labelSelector: `${labels.createdBy}=${createdBy.agent}`,
    transform: bare,
  });
  const bindings = new Informer<KubeObject>({
    ...o,
    resource: core.clusterRoleBindings,
    labelSelector: `${labels.createdBy}=${createdBy.controllerManager},${labels.clusterId}`,
    transform: bare,
  });
  const visitors = new Informer<Secret>({
    ...o,
    resource: core.secrets,
    // The name as a field selector lets RBAC allow just this name, and keeps every other Secret out of memory.
    fieldSelector: `metadata.name=${names.childClusterVisitor}`,
  });
  const all = [clusters, accounts, bindings, visitors];
  return {
    find: (id) => clusters.byIndex('clusterId', id).toSorted(byAge)[0],
    inNamespace: (namespace, id) => clusters.byIndex('clusterId', id).find(({ metadata }) => metadata.namespace === namespace),
    serviceAccount: (namespace, name) => accounts.get(`${namespace}/${name}`),
    visitorToken: (namespace) => {
      const secret = visitors.get(`${namespace}/${names.childClusterVisitor}`);
      if (!secret || isDeleting(secret)) return undefined;
      const token = Buffer.from(secret.data?.[secretKeys.token] ?? '', 'base64')
        .toString('utf8')
        .trim();
      return token === '' ? undefined : token;
    },
    onChange: (handler) => {
      const tell = ({ object }: { object: KubeObject }): void => {
        const id = object.metadata.labels?.[labels.clusterId];
        if (id !== undefined) handler(id);
      };
      const ends = [clusters.onChange(tell), accounts.onChange(tell), bindings.onChange(tell)];
      return () => ends.forEach((end) => end());
    },
    start: () => all.forEach((informer) => informer.start()),
    get synced() {
      return all.every((informer) => informer.synced);
    },
    close: async () => {
      await Promise.all(all.map((informer) => informer.close()));
    },
  };
}
