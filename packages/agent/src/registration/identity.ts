// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type KubeObject } from '@clusternet/api-types';
import { core, isAlreadyExists, type KubeClient } from '@clusternet/client';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Who this cluster is to its parent. */
export interface ClusterIdentity {
  clusterId: string;
  /** Lease of the agent: the id comes from it, and Events about the registration are shown on it. */
  lease: KubeObject;
  /** UID of the child's kube-system namespace, by which a Secret restored into another cluster is told; unknown without the right to read it. */
  systemUid: string | undefined;
}

/** Identity that was used at the last registration. */
export interface StoredIdentity {
  clusterId: string;
  systemUid?: string;
}

/**
 * Chooses the id: the annotation `legacy-cluster-id` of the Lease, else the id of an earlier registration of this very cluster, so
 * that a deleted Lease does not make another cluster of it, else the UID of the Lease.
 *
 * @throws Error when the annotation is not a UUID.
 */
export function chooseClusterId(lease: KubeObject, stored: StoredIdentity | undefined, systemUid: string | undefined): string {
  const legacy = lease.metadata.annotations?.[annotations.legacyClusterId];
  if (legacy !== undefined) {
    if (!uuid.test(legacy))
      throw new Error(`annotation ${annotations.legacyClusterId} of the agent's Lease must be a lower-case UUID`);
    return legacy;
  }
  if (stored && isSameCluster(stored, systemUid)) return stored.clusterId;
  const { uid } = lease.metadata;
  if (!uid) throw new Error("the agent's Lease has no UID");
  return uid;
}

/** False where the stored identity was certainly made by another cluster: its key and credential must not be used here. */
export function isSameCluster(stored: StoredIdentity, systemUid: string | undefined): boolean {
  return stored.systemUid === undefined || systemUid === undefined || stored.systemUid === systemUid;
}

/** Reads the Lease, and makes it where leader election has not: a single agent without election needs an identity too. */
export async function ensureLease(client: KubeClient, ref: { namespace: string; name: string }): Promise<KubeObject> {
  const leases = client.resource<KubeObject>(core.leases);
  const existing = await leases.find(ref);
  if (existing) return existing;
  try {
    return await leases.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...ref }, spec: {} });
  } catch (error) {
    if (isAlreadyExists(error)) return leases.get(ref);
    throw error;
  }
}
