// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  caHash,
  type ClusterRegistrationRequest,
  createdBy,
  fieldManagers,
  type KubeObject,
  labels,
  type ManagedCluster,
  names,
  type ResourceDefinition,
  conditionReasons,
  resources,
  taints,
} from '@clusternet/api-types';
import { core, isAlreadyExists, objectKey } from '@clusternet/client';
import { type ControllerContext } from '../controller.ts';
import { type Store } from '../kube/api.ts';
import { includesPairs, type Namespace, type Role, type RoleBinding } from '../kube/objects.ts';
import { PendingError } from './decision.ts';
import {
  dedicatedNamespace,
  dedicatedServiceAccount,
  desiredManagedCluster,
  identityLabels,
  isProtectedNamespace,
  managedClusterDiffers,
  namespaceCandidates,
} from './desired.ts';
import { type ClusterIdentity, rbacChange, rbacOf } from './rbac.ts';

/** Makes and keeps the objects of one child in the parent. Every method may be repeated at any time. */
export class ClusterResources {
  readonly #context: Pick<ControllerContext, 'api' | 'stores'>;
  readonly #reserved: readonly string[];
  readonly #clusterInit: boolean;

  /**
   * @param reserved - namespaces that no child may get as its own
   * @param clusterInit - new clusters are to be initialised before anything is placed there
   */
  constructor(context: Pick<ControllerContext, 'api' | 'stores'>, reserved: readonly string[], clusterInit = false) {
    this.#context = context;
    this.#reserved = reserved;
    this.#clusterInit = clusterInit;
  }

  /**
   * Makes the dedicated namespace, or takes the one that an administrator made with the labels of this cluster.
   *
   * @throws PendingError when every name it could have belongs to somebody else
   */
  async createNamespace(
    request: ClusterRegistrationRequest,
    cluster: Pick<ClusterIdentity, 'clusterId' | 'clusterName'>,
    thumbprint: string | undefined,
  ): Promise<Namespace> {
    const namespaces = this.#context.api.resource<Namespace>(core.namespaces);
    const candidates = namespaceCandidates(request, cluster.clusterId);
    for (const name of candidates) {
      if (isProtectedNamespace(name, this.#reserved)) {
        throw new PendingError(
          'NamespaceReserved',
          `namespace ${name} is reserved and cannot be given to a cluster; ask for another one (--cluster-reg-namespace)`,
        );
      }
      try {
        return await namespaces.create(dedicatedNamespace({ ...cluster, namespace: name }, thumbprint));
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      const present = await namespaces.find({ name });
      if (present && belongsTo(present, cluster.clusterId)) return present;
    }
    const [name = ''] = candidates;
    const pairs = Object.entries(identityLabels(cluster)).map(([key, value]) => `${key}=${value}`);
    throw new PendingError(
      'NamespaceOccupied',
      `namespace ${name} exists and does not belong to this cluster; ask for another one (--cluster-reg-namespace), ` +
        `remove it, or give it to the cluster: kubectl label namespace ${name} ${pairs.join(' ')}`,
    );
  }

  /** Puts labels back on the namespace, and pins the key to it. */
  async repairNamespace(present: Namespace, cluster: ClusterIdentity, thumbprint: string | undefined): Promise<void> {
    const wanted = dedicatedNamespace(cluster, thumbprint).metadata;
    const changes = {
      ...(includesPairs(present.metadata.labels, wanted.labels ?? {}) ? {} : { labels: wanted.labels }),
      ...(includesPairs(present.metadata.annotations, wanted.annotations ?? {}) ? {} : { annotations: wanted.annotations }),
    };
    if (Object.keys(changes).length === 0) return;
    await this.#context.api
      .resource<Namespace>(core.namespaces)
      .patch({ name: cluster.namespace }, { metadata: changes }, { type: 'merge', fieldManager: fieldManagers.hub });
  }

  /** Makes sure of the ServiceAccount; what people add to it stays. */
  async ensureServiceAccount(cluster: ClusterIdentity): Promise<KubeObject> {
    const wanted = dedicatedServiceAccount(cluster);
    const cached = this.#context.stores.serviceAccounts.get(objectKey(wanted));
    if (cached && includesPairs(cached.metadata.labels, wanted.metadata.labels ?? {})) return cached;
    return this.#context.api
      .resource<KubeObject>(core.serviceAccounts)
      .apply(wanted, { fieldManager: fieldManagers.hub, force: true });
  }

  /** Makes sure of the rights of the child; a binding comes after the role it names. */
  async ensureRbac(cluster: ClusterIdentity): Promise<void> {
    const { stores } = this.#context;
    const wanted = rbacOf(cluster);
    await Promise.all([
      this.#ensure(core.clusterRoles, stores.clusterRoles, wanted.clusterRole),
      this.#ensure(core.roles, stores.roles, wanted.role),
    ]);
    await Promise.all([
      this.#ensure(core.clusterRoleBindings, stores.clusterRoleBindings, wanted.clusterRoleBinding),
      this.#ensure(core.roleBindings, stores.roleBindings, wanted.roleBinding),
    ]);
  }

  /**
   * Makes sure of the Lease by which the agent says that it is there; its being there tells the agent that this hub looks at it.
   * Each renewal is answered with the Lease: by the annotation on it the agent learns at once that the parent has another CA.
   */
  async ensureHeartbeat(cluster: ClusterIdentity, parentCa: string | undefined): Promise<void> {
    const { api, stores } = this.#context;
    const leases = api.resource<KubeObject>(core.leases);
    const announced = { [annotations.parentCaHash]: caHash(parentCa) };
    const ref = { name: names.heartbeatLease, namespace: cluster.namespace };
    const present = stores.heartbeats.get(objectKey(ref));
    if (present && includesPairs(present.metadata.annotations, announced)) return;
    if (present) {
      await leases.patch(ref, { metadata: { annotations: announced } }, { type: 'merge', fieldManager: fieldManagers.hub });
      return;
    }
    const metadata = { ...ref, labels: identityLabels(cluster), annotations: announced };
    try {
      await leases.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** Makes sure of the ManagedCluster, and says what that took. */
  async ensureManagedCluster(
    cluster: ClusterIdentity,
    request: ClusterRegistrationRequest,
  ): Promise<'kept' | 'changed' | 'created'> {
    const wanted = desiredManagedCluster(cluster, request);
    const present = this.#context.stores.managedClusters.get(objectKey(wanted));
    if (present && !managedClusterDiffers(present, wanted)) return 'kept';
    const clusters = this.#context.api.resource<ManagedCluster>(resources.managedClusters);
    if (!present && this.#clusterInit) {
      // From its first moment on, or a scheduler might be quicker. Whoever applies no taints later leaves these alone.
      const taint = { key: taints.initialization, value: conditionReasons.clusterInitWaiting, effect: 'NoSchedule' };
      try {
        await clusters.create(
          { ...wanted, spec: { ...wanted.spec, taints: [taint] } },
          { fieldManager: `${fieldManagers.hub}-init` },
        );
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
    }
    await clusters.apply(wanted, { fieldManager: fieldManagers.hub, force: true });
    return present ? 'changed' : 'created';
  }

  /** Takes every right and every credential from the child; its other objects stay. */
  async revoke(cluster: Pick<ClusterIdentity, 'clusterId'>, namespaces: readonly Namespace[]): Promise<void> {
    const { api, stores } = this.#context;
    const id = cluster.clusterId;
    const remove = async (definition: ResourceDefinition, objects: KubeObject[]): Promise<void> => {
      await Promise.all(objects.map(({ metadata: { name, namespace } }) => api.resource(definition).delete({ name, namespace })));
    };
    const dedicated = new Set(namespaces.map(({ metadata }) => metadata.name));
    const within = ({ metadata }: KubeObject): boolean => dedicated.has(metadata.namespace ?? '');
    // Rights first: they end at once, while the API server may remember a token for some seconds.
    await Promise.all([
      remove(core.roleBindings, stores.roleBindings.byIndex('clusterId', id).filter(within)),
      remove(core.clusterRoleBindings, stores.clusterRoleBindings.byIndex('clusterId', id)),
    ]);
    await Promise.all([
      remove(core.clusterRoles, stores.clusterRoles.byIndex('clusterId', id)),
      remove(core.serviceAccounts, stores.serviceAccounts.byIndex('clusterId', id).filter(within)),
    ]);
  }

  async #ensure<T extends Role | RoleBinding>(definition: ResourceDefinition, store: Store<T>, wanted: T): Promise<void> {
    const client = this.#context.api.resource<T>(definition);
    let present = store.get(objectKey(wanted));
    if (!present) {
      try {
        await client.create(wanted, { fieldManager: fieldManagers.hub });
        return;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      // The cache lags behind, or somebody took the labels off by which it is watched.
      present = await client.get(wanted.metadata);
    }
    switch (rbacChange(present, wanted)) {
      case 'none':
        return;
      case 'recreate':
        await client.delete(wanted.metadata, { preconditions: { uid: present.metadata.uid } });
        await client.create(wanted, { fieldManager: fieldManagers.hub });
        return;
      case 'apply':
        await client.apply(wanted, { fieldManager: fieldManagers.hub, force: true });
    }
  }
}

/** Whether a namespace carries the labels of this cluster: the only thing that makes it the cluster's own. */
export function belongsTo(namespace: Namespace, clusterId: string): boolean {
  const present = namespace.metadata.labels ?? {};
  return present[labels.createdBy] === createdBy.agent && present[labels.clusterId] === clusterId;
}

/** Thumbprint that a dedicated namespace is pinned to. */
export function pinnedKey(namespace: Namespace | undefined): string | undefined {
  return namespace?.metadata.annotations?.[annotations.publicKeyThumbprint];
}
