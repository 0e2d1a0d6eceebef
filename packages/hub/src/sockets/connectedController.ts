// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, conditionTypes, fieldManagers, type ManagedCluster, resources } from '@clusternet/api-types';
import { findCondition, type NewCondition, setCondition } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { isDeleting } from '../kube/objects.ts';

/** What the leader knows about tunnels, whichever replica holds them. */
export interface Connectivity {
  /** Since when the cluster is connected; undefined when it is not. */
  connectedSince(clusterId: string): Date | undefined;
  /** Calls back with the id of a cluster whose tunnel may have come or gone. */
  onChange(handler: (clusterId: string) => void): () => void;
}

/** An agent that comes back this soon was only moving house. */
const graceMs = 10_000;
/** A replica that died silently is noticed by looking. */
const lookMs = 15_000;

/** Keeps the condition `Connected` of each ManagedCluster: whether its tunnel is up. */
export class ConnectedController implements Controller {
  readonly #context: ControllerContext;
  readonly #connectivity: Connectivity;
  readonly #queue: ControllerQueue;
  /** Since when a cluster is seen without its tunnel. */
  readonly #missedSince = new Map<string, number>();

  constructor(context: ControllerContext, connectivity: Connectivity) {
    this.#context = context;
    this.#connectivity = connectivity;
    this.#queue = new ControllerQueue(context, {
      name: 'connected',
      workers: 4,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { managedClusters } = this.#context.stores;
    this.#queue.start(
      managedClusters.onChange(({ key }) => this.#queue.add(key)),
      this.#connectivity.onChange((clusterId) => {
        for (const { metadata } of managedClusters.byIndex('clusterId', clusterId)) {
          this.#queue.add(`${metadata.namespace}/${metadata.name}`);
        }
      }),
    );
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** Brings the condition of one ManagedCluster up to date. */
  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const cluster = this.#context.stores.managedClusters.get(key);
    const present = cluster && findCondition(cluster.status?.conditions, conditionTypes.connected);
    if (!cluster || isDeleting(cluster) || cluster.status?.useSocket === undefined) {
      this.#missedSince.delete(key);
      return;
    }
    const since = this.#connectivity.connectedSince(cluster.spec?.clusterId ?? '');
    if (since) {
      this.#missedSince.delete(key);
      await this.#report(cluster, 'True', 'TunnelEstablished', 'the tunnel of the agent is up');
      return { requeueAfterMs: lookMs };
    }
    if (!cluster.status.useSocket) {
      this.#missedSince.delete(key);
      return this.#report(cluster, 'False', 'TunnelDisabled', 'the agent keeps no tunnel; its gate SocketConnection is off');
    }
    const now = this.#context.now().getTime();
    const missed = this.#missedSince.get(key) ?? now;
    this.#missedSince.set(key, missed);
    const leftMs = missed + graceMs - now;
    if (leftMs > 0 && present?.status !== 'False') return { requeueAfterMs: leftMs };
    await this.#report(
      cluster,
      'False',
      'TunnelLost',
      'the agent keeps a tunnel, but is not connected; see its log and its events',
    );
  }

  async #report(cluster: ManagedCluster, status: NewCondition['status'], reason: string, message: string): Promise<void> {
    const wanted = { type: conditionTypes.connected, status, reason, message };
    const next = setCondition(cluster.status?.conditions, wanted, this.#context.now());
    if (!next.changed) return;
    const { name, namespace, uid } = cluster.metadata;
    await this.#context.api.resource(resources.managedClusters).apply(
      {
        apiVersion: apiVersionOf(resources.managedClusters),
        kind: resources.managedClusters.kind,
        metadata: { name, namespace, uid },
        status: { conditions: next.conditions.filter(({ type }) => type === conditionTypes.connected) },
      },
      // A manager of its own: what one controller does not mention must not take away what another one said.
      { fieldManager: `${fieldManagers.hub}-connected`, force: true, subresource: 'status' },
    );
    if (status === 'False' && reason === 'TunnelLost')
      this.#context.recorder.event(cluster, { type: 'Warning', reason, message });
  }
}
