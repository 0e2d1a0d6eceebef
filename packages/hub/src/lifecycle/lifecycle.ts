// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Condition,
  conditionReasons,
  conditionTypes,
  fieldManagers,
  type KubeObject,
  type ManagedCluster,
  resources,
  type Taint,
  taints,
} from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { findCondition, type NewCondition, setCondition } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { byAge, isDeleting } from '../kube/objects.ts';
import { indexes } from '../stores.ts';
import { type ClusterInit, judgeClusterInit } from './clusterInit.ts';
import { type FailoverSettings, type FleetHealth, judgeFailover } from './failover.ts';
import { type HeartbeatLease, Heartbeats, heartbeatThresholdMs, type Silence } from './heartbeat.ts';
import { isSameTaint, nextTaints } from './taints.ts';

/** What the lifecycle of clusters is kept by. */
export interface LifecycleSettings {
  failover: FailoverSettings;
  /** Gate `ClusterInit`. */
  clusterInit: boolean;
}

/** What is remembered of a cluster that is not ready. */
interface Failing {
  /** Monotonic. */
  since: number;
  /** It was told that its workloads stay because too many fail. */
  heldTold: boolean;
}

/**
 * Declares clusters unknown that stopped reporting, keeps the taints that tell schedulers about their state, and decides when
 * workloads leave a cluster that stays away. The schedulers move them.
 */
export class Lifecycle implements Controller {
  readonly #context: ControllerContext;
  readonly #settings: LifecycleSettings;
  readonly #monotonic: () => number;
  readonly #heartbeats = new Heartbeats();
  readonly #lastReady = new Map<string, string>();
  readonly #failing = new Map<string, Failing>();
  #lastLeftAt = -Infinity;
  readonly #queue: ControllerQueue;
  readonly #left;

  /** @param monotonic - milliseconds from any beginning, never set back */
  constructor(context: ControllerContext, settings: LifecycleSettings, monotonic: () => number = () => performance.now()) {
    this.#context = context;
    this.#settings = settings;
    this.#monotonic = monotonic;
    const { metrics } = context;
    this.#queue = new ControllerQueue(context, {
      name: 'lifecycle',
      workers: 4,
      reconcile: (key) => this.reconcile(key),
    });
    metrics?.gauge({
      name: 'clusternet_hub_failovers_held',
      help: 'Clusters that are not ready and keep their workloads because too many fail at once.',
      collect: (gauge) => gauge.set([...this.#failing.values()].filter(({ heldTold }) => heldTold).length),
    });
    this.#left = metrics?.counter({
      name: 'clusternet_hub_failovers_total',
      help: 'Clusters whose workloads were told to leave because they were not ready.',
    });
  }

  start(): void {
    const { heartbeats, managedClusters } = this.#context.stores;
    this.#queue.start(
      managedClusters.onChange(({ key, object, type }) => {
        // Seen here, not when a worker has time: a busy hub must not take a living cluster for lost.
        if (type !== 'deleted') this.#observe(key, object);
        this.#queue.add(key);
      }),
      heartbeats.onChange(({ object, type }) => {
        if (type === 'deleted') return;
        for (const cluster of managedClusters.byIndex(indexes.namespace, object.metadata.namespace ?? '')) {
          const key = objectKey(cluster);
          this.#observe(key, cluster);
          // The next look is planned already; only a cluster that was given up has none.
          if (this.#lastReady.get(key) === 'Unknown') this.#queue.add(key);
        }
      }),
      ...(this.#settings.clusterInit ? this.#initialising() : []),
    );
  }

  /** What brings a cluster on that is being initialised. */
  #initialising(): (() => void)[] {
    const { bases, descriptions, managedClusters } = this.#context.stores;
    const wake = ({ object }: { object: KubeObject }): void => {
      for (const cluster of managedClusters.byIndex(indexes.namespace, object.metadata.namespace ?? '')) {
        if (!isInitialised(cluster)) this.#queue.add(objectKey(cluster));
      }
    };
    return [bases.onChange(wake), descriptions.onChange(wake)];
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** Judges one cluster. */
  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const cluster = this.#context.stores.managedClusters.get(key);
    if (!cluster || isDeleting(cluster)) {
      this.#heartbeats.forget(key);
      this.#lastReady.delete(key);
      this.#failing.delete(key);
      return;
    }
    const silence = this.#observe(key, cluster);
    const lost = silence.remainingMs <= 0;
    const init = this.#judgeInit(cluster);
    const status = cluster.status?.conditions;
    const ready = lost
      ? await this.#declareUnknown(cluster, silence.neverReported, init)
      : findCondition(status, conditionTypes.ready);
    if (!lost) {
      const { conditions, changed } = setCondition(status, init.condition, this.#context.now());
      if (changed) await this.#apply(cluster, conditions);
    }
    this.#reportTransition(key, cluster, ready);
    const { left, askAgainMs } = this.#judgeFailover(key, cluster, ready);
    await this.#updateSpec(cluster, this.#taintsOf(ready, left, init), init.chooseBase);
    // Only a report changes anything for a cluster that is lost, and that is an event.
    const due = [askAgainMs, lost ? undefined : silence.remainingMs].filter((ms) => ms !== undefined);
    return due.length === 0 ? undefined : { requeueAfterMs: Math.ceil(Math.min(...due)) };
  }

  #observe(key: string, cluster: ManagedCluster): Silence {
    const lease = this.#leaseOf(cluster);
    return this.#heartbeats.observe(key, { cluster, ...(lease ? { lease } : {}) }, this.#monotonic());
  }

  #leaseOf({ metadata }: ManagedCluster): HeartbeatLease | undefined {
    return this.#context.stores.heartbeats.byIndex(indexes.namespace, metadata.namespace ?? '')[0];
  }

  #judgeInit(cluster: ManagedCluster): ClusterInit {
    const { stores } = this.#context;
    const enabled = this.#settings.clusterInit;
    const namespace = cluster.metadata.namespace ?? '';
    const input = enabled && !isInitialised(cluster);
    return judgeClusterInit({
      cluster,
      enabled,
      bases: input ? stores.bases.byIndex(indexes.namespace, namespace).sort(byAge) : [],
      descriptions: input ? stores.descriptions.byIndex(indexes.namespace, namespace) : [],
    });
  }

  async #declareUnknown(cluster: ManagedCluster, neverReported: boolean, init: ClusterInit): Promise<Condition | undefined> {
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
    const withInit = setCondition(present, init.condition, this.#context.now());
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

  /** Whether the workloads of a cluster are to leave it; a cluster that was left stays left until it is ready. */
  #judgeFailover(key: string, cluster: ManagedCluster, ready: Condition | undefined): { left: boolean; askAgainMs?: number } {
    const { failover } = this.#settings;
    if (!ready || ready.status === 'True') {
      this.#failing.delete(key);
      return { left: false };
    }
    if (isLeft(cluster)) return { left: true };
    const now = this.#monotonic();
    const failing = this.#failing.get(key) ?? { since: now, heldTold: false };
    this.#failing.set(key, failing);
    // A cluster that never reported never got anything.
    if (failover.afterMs === 0 || ready.reason === conditionReasons.clusterStatusNeverUpdated) return { left: false };
    const fleet = this.#fleet();
    const input = { failingForMs: now - failing.since, sinceLastMs: now - this.#lastLeftAt, fleet };
    const verdict = judgeFailover(input, failover);
    if (verdict.leave) {
      this.#lastLeftAt = now;
      failing.heldTold = false;
      this.#left?.inc();
      const message = `workloads that do not tolerate it leave this cluster, which has not been ready for ${Math.round(input.failingForMs / 1000)} s`;
      this.#tell(cluster, 'FailingOver', message);
      return { left: true };
    }
    if (verdict.held && !failing.heldTold) {
      const message =
        `${fleet.failing} of ${fleet.clusters} clusters are not ready at once: taken for a fault of the network or of the parent, ` +
        'workloads stay where they are. Taint the cluster to have them leave all the same (kubectl clusternet drain)';
      this.#tell(cluster, 'FailoverHeld', message);
    }
    failing.heldTold = verdict.held;
    return { left: false, askAgainMs: verdict.askAgainMs };
  }

  #fleet(): FleetHealth {
    const health = { clusters: 0, failing: 0 };
    for (const cluster of this.#context.stores.managedClusters.list()) {
      const ready = findCondition(cluster.status?.conditions, conditionTypes.ready);
      if (!ready || isLeft(cluster) || ready.reason === conditionReasons.clusterStatusNeverUpdated) continue;
      health.clusters++;
      if (ready.status !== 'True') health.failing++;
    }
    return health;
  }

  #taintsOf(ready: Condition | undefined, left: boolean, init: ClusterInit): Taint[] {
    const wanted: Taint[] = [];
    if (ready && ready.status !== 'True') {
      const { reason: value } = ready;
      wanted.push({ key: taints.unschedulable, value, effect: 'NoSchedule' });
      if (left) {
        const key = ready.status === 'Unknown' ? taints.unreachable : taints.notReady;
        const timeAdded = this.#context
          .now()
          .toISOString()
          .replace(/\.\d+Z$/, 'Z');
        wanted.push({ key, value, effect: 'NoExecute', timeAdded });
      }
    }
    if (init.condition.status !== 'True')
      wanted.push({ key: taints.initialization, value: init.condition.reason, effect: 'NoSchedule' });
    return wanted;
  }

  async #updateSpec(cluster: ManagedCluster, wanted: readonly Taint[], clusterInitBaseName: string | undefined): Promise<void> {
    const next = nextTaints(cluster.spec?.taints, wanted);
    if (!next && clusterInitBaseName === undefined) return;
    const { name, namespace, uid, resourceVersion } = cluster.metadata;
    // The list is one value to the API server: with its version a taint that somebody set meanwhile is not overwritten.
    await this.#context.api.resource(resources.managedClusters).patch(
      { name, namespace },
      {
        metadata: { uid, resourceVersion },
        spec: { ...(next ? { taints: next } : {}), ...(clusterInitBaseName === undefined ? {} : { clusterInitBaseName }) },
      },
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

  #tell(cluster: ManagedCluster, reason: string, message: string): void {
    this.#context.logger.warn('failover', { cluster: objectKey(cluster), reason });
    this.#context.recorder.event(cluster, { type: 'Warning', reason, message });
  }
}

function isLeft({ spec }: ManagedCluster): boolean {
  const keys = [taints.unreachable, taints.notReady];
  return keys.some((key) => spec.taints?.some((taint) => isSameTaint(taint, { key, effect: 'NoExecute' })));
}

function isInitialised({ status }: ManagedCluster): boolean {
  const condition = findCondition(status?.conditions, conditionTypes.clusterInit);
  return condition?.status === 'True' && condition.reason === conditionReasons.clusterInitDone;
}
