// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createdBy, type KubeObject, labels } from '@clusternet/api-types';

/** coordination.k8s.io/v1 Lease, as far as replicas use it. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
  };
}

/** Where a replica is reached by the others; what its Lease says. */
export interface PeerAddress {
  id: string;
  host: string;
  port: number;
}

/** Label that selects the Leases of this module. */
export const leaseLabels = { [labels.createdBy]: createdBy.hub } as const;

const peerPrefix = 'clusternet-hub-peer-';
const socketPrefix = 'clusternet-socket-';

/** Name of a replica's Lease. */
export function peerLeaseName(id: string): string {
  return peerPrefix + id;
}

/** Name of the Lease that tells who holds the tunnel of a cluster. */
export function socketLeaseName(clusterId: string): string {
  return socketPrefix + clusterId;
}

/** The cluster whose tunnel a Lease is about. */
export function clusterOfLease(name: string): string | undefined {
  return name.startsWith(socketPrefix) ? name.slice(socketPrefix.length) : undefined;
}

/** The replica that a Lease is of; undefined for other Leases and those that cannot be read. */
export function peerOfLease({ metadata, spec }: Lease): PeerAddress | undefined {
  if (!metadata.name?.startsWith(peerPrefix)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(spec?.holderIdentity ?? '');
  } catch {
    return undefined;
  }
  const { id, host, port } = (value ?? {}) as Partial<Record<keyof PeerAddress, unknown>>;
  const proper = typeof host === 'string' && host !== '' && Number.isInteger(port);
  return proper && id === metadata.name.slice(peerPrefix.length) ? { id: id, host, port: port as number } : undefined;
}

/** Time as Leases have it, with exactly six digits. */
export function microTime(time: Date): string {
  return time.toISOString().replace(/Z$/, '000Z');
}
