// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, fieldManagers, type ResourceDefinition } from '@clusternet/api-types';
import { core, isConflict, isNotFound, type KubeClient } from '@clusternet/client';
import { type Logger, type Metrics, toError, WorkQueue } from '@clusternet/runtime';
import { type SocketRegistry } from '../sockets/socketRegistry.ts';
import { type Directory } from './directory.ts';
import { type Lease, leaseLabels, microTime, type PeerAddress, peerLeaseName, socketLeaseName } from './leases.ts';

/** Options of {@link Announcer}. */
export interface AnnouncerOptions {
  /** With a rate limit of its own: a thousand agents may come back at once. */
  client: Pick<KubeClient, 'resource'>;
  namespace: string;
  self: PeerAddress;
  registry: SocketRegistry;
  directory: Directory;
  logger: Logger;
  metrics: Metrics;
  /** Calls back when a Lease about the tunnel of a cluster has changed. */
  onLease: (handler: (clusterId: string) => void) => () => void;
}

/** How long a replica that renews no more is taken for alive. */
const leaseSeconds = 8;
const renewMs = 2_000;
/** After this, what a dead replica has left is swept away by the others. */
const sweepGraceMs = 60_000;

/** Tells the other replicas, by Leases, that this one is there and whose tunnels it holds. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #queue: WorkQueue;
  readonly #unsubscribe: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    const { logger, metrics } = options;
    this.#queue = new WorkQueue({
      name: 'tunnel-leases',
      workers: 16,
      logger,
      metrics,
      reconcile: (clusterId) => this.#reconcile(clusterId),
    });
  }

  start(): void {
    const { registry, onLease } = this.#options;
    this.#unsubscribe.push(
      registry.onChange(({ owner }) => this.#queue.add(owner.clusterId)),
      onLease((clusterId) => this.#queue.add(clusterId)),
    );
    this.#queue.start();
    this.#renewing = this.#renew();
  }

  /** Takes back what was announced, so that nobody waits for it to run out. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#renewing;
    await this.#queue.close();
    const { client, namespace, self } = this.#options;
    await client
      .resource(core.leases)
      .delete({ namespace, name: peerLeaseName(self.id) }, { timeoutMs: 2_000 })
      .catch(() => undefined);
  }

  async #renew(): Promise<void> {
    const { self, logger } = this.#options;
    try {
      await this.#apply(peerLeaseName(self.id), {
        holderIdentity: JSON.stringify(self),
        leaseDurationSeconds: leaseSeconds,
        renewTime: microTime(new Date()),
      });
      await this.#sweep();
    } catch (error) {
      logger.debug('cannot renew the lease of this replica; trying again', { error: toError(error) });
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew();
    }, renewMs).unref();
  }

  async #sweep(): Promise<void> {
    const { client, namespace, directory } = this.#options;
    for (const { metadata } of directory.expired(sweepGraceMs).slice(0, 20)) {
      const { uid, resourceVersion, name = '' } = metadata;
      await client
        .resource(core.leases)
        .delete({ namespace, name }, { preconditions: { uid, resourceVersion } })
        .catch((error: unknown) => {
          if (!isConflict(error) && !isNotFound(error)) throw error;
        });
    }
  }

  async #reconcile(clusterId: string): Promise<void> {
    const { registry, directory, self, client, namespace } = this.#options;
    const session = registry.get(clusterId);
    const lease = directory.lease(clusterId);
    const name = socketLeaseName(clusterId);
    const own = lease?.spec?.holderIdentity === self.id;
    if (!session) {
      if (!lease || !own) return;
      const { uid, resourceVersion } = lease.metadata;
      await client
        .resource(core.leases)
        .delete({ namespace, name }, { preconditions: { uid, resourceVersion } })
        .catch((error: unknown) => {
          // Whoever has it now has written it since.
          if (!isConflict(error) && !isNotFound(error)) throw error;
        });
      return;
    }
    const acquireTime = microTime(session.tunnel.connectedAt);
    if (own && lease.spec?.acquireTime === acquireTime) return;
    const holder = directory.holder(clusterId);
    if (holder && holder.peerId !== self.id && holder.connectedAt > session.tunnel.connectedAt) {
      // The agent has gone to another replica since.
      await session.tunnel.close('the cluster has a newer tunnel at another replica');
      return;
    }
    await this.#apply(name, { holderIdentity: self.id, acquireTime, leaseDurationSeconds: leaseSeconds });
  }

  async #apply(name: string, spec: Lease['spec']): Promise<void> {
    const { client, namespace } = this.#options;
    const definition: ResourceDefinition = core.leases;
    const lease: Lease = {
      apiVersion: apiVersionOf(definition),
      kind: definition.kind,
      metadata: { name, namespace, labels: { ...leaseLabels } },
      spec,
    };
    await client.resource<Lease>(definition).apply(lease, { fieldManager: fieldManagers.hub, force: true, timeoutMs: 5_000 });
  }
}
