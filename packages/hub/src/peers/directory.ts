// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient, core } from '@clusternet/client';
import { Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { clusterOfLease, type Lease, leaseLabels, type PeerAddress, peerOfLease, socketLeaseName } from './leases.ts';

/** Who holds the tunnel of a cluster. */
export interface Holder {
  clusterId: string;
  peerId: string;
  connectedAt: Date;
}

type Store = Pick<Informer<Lease>, 'get' | 'list' | 'onChange'>;

/**
 * Which replicas there are and which one holds which tunnel, as their Leases say.
 *
 * @remarks How long ago a replica renewed is measured by our own clock: those of other machines may differ.
 */
export class Directory {
  readonly #store: Store;
  readonly #namespace: string;
  readonly #now: () => number;
  readonly #isConnected: (peerId: string) => boolean;
  /** Since when Leases name a replica that has none of its own. */
  readonly #strangers = new Map<string, number>();
  readonly #renewed = new Map<string, { record: string; atMs: number }>();
  readonly #unsubscribe: () => void;

  /** @param o - `isConnected`: whether we have a live connection to a replica, which then is alive whatever its Lease says */
  constructor(o: { store: Store; namespace: string; isConnected?: (peerId: string) => boolean; now?: () => number }) {
    this.#store = o.store;
    this.#namespace = o.namespace;
    this.#isConnected = o.isConnected ?? (() => false);
    this.#now = o.now ?? (() => performance.now());
    this.#unsubscribe = o.store.onChange(({ type, object }) => {
      const peer = peerOfLease(object);
      if (!peer) return;
      if (type === 'deleted') this.#renewed.delete(peer.id);
      else this.#note(peer.id, object);
    });
  }

  /** Replicas whose Lease is valid, ourselves among them. */
  peers(): PeerAddress[] {
    return this.#leases().flatMap((lease) => {
      const peer = peerOfLease(lease);
      return peer && this.#isValid(peer.id, lease) ? [peer] : [];
    });
  }

  /** Leases of replicas that renew no more, and of the tunnels they held. */
  expired(graceMs: number): Lease[] {
    const leases = this.#leases();
    const known = new Map<string, boolean>();
    for (const lease of leases) {
      const peer = peerOfLease(lease);
      if (peer) known.set(peer.id, this.#isValid(peer.id, lease, graceMs));
    }
    const named = new Set<string>();
    const found = leases.filter((lease) => {
      const peer = peerOfLease(lease);
      if (peer) return known.get(peer.id) === false;
      const holder = lease.spec?.holderIdentity ?? '';
      if (clusterOfLease(lease.metadata.name ?? '') === undefined) return false;
      named.add(holder);
      return known.get(holder) === false || (!known.has(holder) && this.#strangeFor(holder) >= graceMs);
    });
    for (const id of this.#strangers.keys()) if (known.has(id) || !named.has(id)) this.#strangers.delete(id);
    return found;
  }

  /** The replica that holds the tunnel of a cluster, if it is alive. */
  holder(clusterId: string): Holder | undefined {
    const lease = this.#store.get(`${this.#namespace}/${socketLeaseName(clusterId)}`);
    return lease && this.#holderOf(lease, new Set(this.peers().map(({ id }) => id)));
  }

  /** All tunnels that living replicas hold. */
  holders(): Holder[] {
    const alive = new Set(this.peers().map(({ id }) => id));
    return this.#leases().flatMap((lease) => this.#holderOf(lease, alive) ?? []);
  }

  /** The Lease about the tunnel of a cluster, whoever holds it. */
  lease(clusterId: string): Lease | undefined {
    return this.#store.get(`${this.#namespace}/${socketLeaseName(clusterId)}`);
  }

  close(): void {
    this.#unsubscribe();
  }

  #strangeFor(id: string): number {
    const since = this.#strangers.get(id) ?? this.#now();
    this.#strangers.set(id, since);
    return this.#now() - since;
  }

  #leases(): Lease[] {
    return this.#store.list().filter(({ metadata }) => metadata.namespace === this.#namespace);
  }

  #holderOf({ metadata, spec }: Lease, alive: Set<string>): Holder | undefined {
    const clusterId = clusterOfLease(metadata.name ?? '');
    const peerId = spec?.holderIdentity ?? '';
    if (clusterId === undefined || !alive.has(peerId)) return undefined;
    return { clusterId, peerId, connectedAt: new Date(spec?.acquireTime ?? 0) };
  }

  #note(id: string, lease: Lease): { atMs: number } {
    const record = `${lease.spec?.renewTime} ${lease.spec?.holderIdentity}`;
    const before = this.#renewed.get(id);
    if (before?.record === record) return before;
    const next = { record, atMs: this.#now() };
    this.#renewed.set(id, next);
    return next;
  }

  #isValid(id: string, lease: Lease, graceMs = 0): boolean {
    const { atMs } = this.#note(id, lease);
    // A watch may lag behind, and the API server be away for a while.
    if (this.#isConnected(id)) return true;
    return this.#now() < atMs + (lease.spec?.leaseDurationSeconds ?? 10) * 1000 + graceMs;
  }
}

/** An informer of the Leases of replicas in a namespace. */
export function leaseInformer(o: { client: KubeClient; namespace: string; logger: Logger; metrics: Metrics }): Informer<Lease> {
  const labelSelector = Object.entries(leaseLabels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return new Informer<Lease>({ ...o, resource: core.leases, labelSelector });
}
