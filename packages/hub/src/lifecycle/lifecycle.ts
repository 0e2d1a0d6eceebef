// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Condition,
  conditionReasons,
  conditionTypes,
  fieldManagers,
  type ManagedCluster,
  resources,
} from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { findCondition, type NewCondition, setCondition, WorkQueue } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { retryLostRace } from '../kube/lostRace.ts';
import { isDeleting } from '../kube/objects.ts';
import { Heartbeats, heartbeatThresholdMs } from './heartbeat.ts';
import { nextTaints } from './taints.ts';

const initDisabled: NewCondition = {
  type: conditionTypes.clusterInit,
  status: 'True',
  reason: conditionReasons.clusterInitDisabled,
  message: 'cluster initialization is disabled',
};

/** Declares clusters unknown that stopped reporting, and keeps the taint that tells schedulers about their state. */
export class Lifecycle implements Controller {
  readonly #context: ControllerContext;
  readonly #monotonic: () => number;
  readonly #heartbeats = new Heartbeats();
  readonly #lastReady = new Map<string, string>();
  readonly #queue: WorkQueue;
  #unsubscribe: (() => void) | undefined;

  /** @param monotonic - milliseconds from any beginning, never set back */
  constructor(context: ControllerContext, monotonic: () => number = () => performance.now()) {
    this.#context = context;
    this.#monotonic = monotonic;
    const { logger, metrics, signal } = context;
    this.#queue = new WorkQueue({
      name: 'lifecycle',
      workers: 4,
      logger,
      metrics,
      signal,
      reconcile: (key, { logger: log }) => retryLostRace(() => this.reconcile(key), log),
    });
  }

  start(): void {
    this.#unsubscribe = this.#context.stores.managedClusters.onChange(({ key, object, type }) => {
      // Seen here, not when a worker has time: a busy hub must not take a living cluster for lost.
      if (type !== 'deleted') this.#heartbeats.observe(key, object, this.#monotonic());
      this.#queue.add(key);
    });
    this.#queue.start();
  }

  async close(): Promise<void> {
    this.#unsubscribe?.();
    await this.#queue.close();
  }

  /** Judges one cluster. */
  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const cluster = this.#context.stores.managedClusters.get(key);
    if (!cluster || isDeleting(cluster)) {
      this.#heartbeats.forget(key);
      this.#lastReady.delete(key);
      return;
    }
    const silence = this.#heartbeats.observe(key, cluster, this.#monotonic());
    const lost = silence.remainingMs <= 0;
    const status = cluster.status?.conditions;
    const ready = lost ? await this.#declareUnknown(cluster, silence.neverReported) : findCondition(status, conditionTypes.ready);
    if (!lost && !findCondition(status, conditionTypes.clusterInit))
      await this.#apply(cluster, setCondition(status, initDisabled, this.#context.now()).conditions);
    this.#reportTransition(key, cluster, ready);
    await this.#updateTaints(cluster, ready);
    // Only a report changes anything for a cluster that is lost, and that is an event.
    return lost ? undefined : { requeueAfterMs: Math.ceil(silence.remainingMs) };
  }

  async #declareUnknown(cluster: ManagedCluster, neverReported: boolean): Promise<Condition | undefined> {
    const seconds = heartbeatThresholdMs(cluster) / 1000;
    const unknown: NewCondition = {
      type: conditionTypes.ready,
      status: 'Unknown',
      reason: neverReported ? conditionReasons.clusterStatusNeverUpdated : conditionReasons.clusterStatusUnknown,
      message: neverReported
        ? `the agent of this cluster never reported within ${seconds} s; see whether it runs and what it logs`
        : `the agent of this cluster has not reported for ${seconds} s; see whether it runs and reaches the parent`,
    };
    const { conditions: present, healthz, livez, readyz } = cluster.status ?? {};
    const withInit = setCondition(
      present,
      findCondition(present, conditionTypes.clusterInit) ?? initDisabled,
      this.#context.now(),
    );
    const { conditions, changed } = setCondition(withInit.conditions, unknown, this.#context.now());
    if (changed || withInit.changed || healthz !== false || livez !== false || readyz !== false) {
      await this.#apply(cluster, conditions, { healthz: false, livez: false, readyz: false });
    }
    return findCondition(conditions, conditionTypes.ready);
  }

  /** Writes the conditions of which the hub is the author; those of the agent are not touched unless it is silent. */
  async #apply(cluster: ManagedCluster, all: Condition[], health: Partial<ManagedCluster['status']> = {}): Promise<void> {
    const lost = 'healthz' in health;
    const conditions = all.filter(({ type }) => type === conditionTypes.clusterInit || (lost && type === conditionTypes.ready));
    await this.#context.api.resource(resources.managedClusters).apply(
      {
        apiVersion: apiVersionOf(resources.managedClusters),
        kind: resources.managedClusters.kind,
        metadata: { name: cluster.metadata.name, namespace: cluster.metadata.namespace, uid: cluster.metadata.uid },
        status: { ...health, conditions },
      },
      { fieldManager: fieldManagers.hub, force: true, subresource: 'status' },
    );
  }

  async #updateTaints(cluster: ManagedCluster, ready: Condition | undefined): Promise<void> {
    const taints = nextTaints(cluster.spec?.taints, ready);
    if (!taints) return;
    const { name, namespace, uid, resourceVersion } = cluster.metadata;
    // The list is one value to the API server: with its version a taint that somebody set meanwhile is not overwritten.
    await this.#context.api
      .resource(resources.managedClusters)
      .patch(
        { name, namespace },
        { metadata: { uid, resourceVersion }, spec: { taints } },
        { type: 'merge', fieldManager: fieldManagers.hub },
      );
  }

  #reportTransition(key: string, cluster: ManagedCluster, ready: Condition | undefined): void {
    if (!ready) return;
    const before = this.#lastReady.get(key);
    this.#lastReady.set(key, ready.status);
    if (before === ready.status || (before === undefined && ready.status === 'True')) return;
    const { name, namespace } = cluster.metadata;
    const { reason, message } = ready;
    this.#context.logger.info('cluster changed its state', {
      cluster: objectKey({ name, namespace }),
      ready: ready.status,
      reason,
    });
    this.#context.recorder.event(cluster, { type: ready.status === 'True' ? 'Normal' : 'Warning', reason, message });
  }
}
