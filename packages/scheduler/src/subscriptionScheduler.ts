// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  conditionTypes,
  fieldManagers,
  names,
  resources,
  type KubeObject,
  type ManagedCluster,
  type Subscription,
} from '@clusternet/api-types';
import { type KubeClient, objectKey } from '@clusternet/client';
import {
  type Change,
  type EventRecorder,
  findCondition,
  type Informer,
  type Logger,
  type Metrics,
  setCondition,
  WorkQueue,
} from '@clusternet/runtime';
import { concernedBy, type SubscriptionIndex } from './concern.ts';
import { decide, type Decision } from './placement/decide.ts';
import { clusterKey } from './placement/place.ts';

/** What is needed of an informer. */
type Source<T extends KubeObject> = Pick<Informer<T>, 'get' | 'list' | 'onChange' | 'waitForSync'>;

/** Options of {@link SubscriptionScheduler}. */
export interface SubscriptionSchedulerOptions {
  client: Pick<KubeClient, 'resource'>;
  /** Has the indexes of {@link subscriptionIndexers}. */
  subscriptions: Source<Subscription> & SubscriptionIndex;
  clusters: Source<ManagedCluster>;
  recorder: Pick<EventRecorder, 'event'>;
  logger: Logger;
  metrics?: Metrics;
  /** The leadership under which decisions are written. */
  signal?: AbortSignal;
  now?: () => Date;
}

/**
 * Writes into the status of each Subscription where it goes: `bindingClusters`, `specHash`, `desiredReleases` and the condition
 * `Scheduled`, by server-side apply, and only when something differs. Handles the Subscriptions whose `schedulerName` is `default`.
 */
export class SubscriptionScheduler {
  readonly #options: SubscriptionSchedulerOptions;
  readonly #queue: WorkQueue;
  readonly #stops: (() => void)[];
  /** When bound clusters were first seen to be missing. */
  readonly #missingSince = new Map<string, number>();
  readonly #now: () => Date;

  constructor(options: SubscriptionSchedulerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    const { logger, metrics, signal } = options;
    this.#queue = new WorkQueue({
      name: 'subscriptions',
      workers: 8,
      // Clusters register in bunches; each bunch is one decision.
      quietMs: 20,
      maxQuietMs: 200,
      reconcile: (key) => this.#reconcile(key),
      logger,
      metrics,
      signal,
    });
    this.#stops = [
      options.subscriptions.onChange(({ key, object }) => this.#queue.add(key, { priority: object.spec.priority ?? 0 })),
      options.clusters.onChange((change) => this.#clusterChanged(change)),
    ];
  }

  /** Starts deciding once both informers are complete: half a list of clusters must not look like clusters that left. */
  async start(signal: AbortSignal): Promise<void> {
    const { subscriptions, clusters } = this.#options;
    await Promise.all([subscriptions.waitForSync(signal), clusters.waitForSync(signal)]);
    this.#queue.start();
  }

  /** Resolves when nothing is left to decide. */
  idle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#queue.close();
  }

  #clusterChanged({ type, object, previous }: Change<ManagedCluster>): void {
    const key = clusterKey(object);
    if (type !== 'deleted') this.#missingSince.delete(key);
    if (type === 'modified' && previous !== undefined && !placementDiffers(previous, object)) return;
    const { subscriptions } = this.#options;
    const states = previous === undefined ? [object] : [previous, object];
    for (const subscription of new Set(states.flatMap((state) => concernedBy(state, subscriptions)))) {
      this.#queue.add(objectKey(subscription), { priority: subscription.spec.priority ?? 0 });
    }
  }

  async #reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const subscription = this.#options.subscriptions.get(key);
    if (subscription === undefined || subscription.metadata.deletionTimestamp !== undefined) return;
    if ((subscription.spec.schedulerName ?? names.defaultScheduler) !== names.defaultScheduler) return;
    const now = this.#now();
    const decision = decide({
      subscription,
      clusters: this.#options.clusters.list(),
      absentForMs: (cluster) => this.#absentForMs(cluster, now),
      now,
    });
    await this.#write(subscription, decision, now);
    return { requeueAfterMs: decision.recheckAfterMs };
  }

  #absentForMs(cluster: string, now: Date): number {
    const since = this.#missingSince.get(cluster);
    if (since !== undefined) return now.getTime() - since;
    this.#missingSince.set(cluster, now.getTime());
    return 0;
  }

  async #write(subscription: Subscription, { bindings, specHash, scheduled }: Decision, now: Date): Promise<void> {
    const { status, metadata } = subscription;
    const before = findCondition(status?.conditions, conditionTypes.scheduled);
    const condition = { type: conditionTypes.scheduled, ...scheduled, observedGeneration: metadata.generation };
    const { conditions, changed } = setCondition(before === undefined ? [] : [before], condition, now);
    const moved = (status?.bindingClusters ?? []).join() !== bindings.join();
    if (!changed && !moved && status?.specHash === specHash && status?.desiredReleases === bindings.length) return;
    // With the UID, a Subscription that was deleted and made anew in the meantime gets no bindings of the old one.
    const { name, namespace, uid } = metadata;
    await this.#options.client.resource<Subscription>(resources.subscriptions).apply(
      {
        apiVersion: apiVersionOf(resources.subscriptions),
        kind: resources.subscriptions.kind,
        metadata: { name, namespace, uid },
        status: { bindingClusters: bindings, specHash, desiredReleases: bindings.length, conditions },
      } as Subscription,
      { fieldManager: fieldManagers.scheduler, force: true, subresource: 'status' },
    );
    this.#report(subscription, { moved, bindings, scheduled });
  }

  #report(
    subscription: Subscription,
    { moved, bindings, scheduled }: Pick<Decision, 'bindings' | 'scheduled'> & { moved: boolean },
  ): void {
    const { recorder, logger } = this.#options;
    if (moved) {
      const message = `bound ${objectKey(subscription)} to ${bindings.length === 0 ? 'no cluster' : bindings.join(', ')}`.slice(
        0,
        1024,
      );
      recorder.event(subscription, { type: 'Normal', reason: 'Scheduled', message });
      logger.info('subscription bound', { subscription: objectKey(subscription), clusters: bindings.length });
    }
    if (scheduled.status === 'False') {
      recorder.event(subscription, { type: 'Warning', reason: 'FailedScheduling', message: scheduled.message.slice(0, 1024) });
    }
  }
}

/** Whether a change of a cluster can change a placement: its heartbeats cannot. */
function placementDiffers(a: ManagedCluster, b: ManagedCluster): boolean {
  const facts = ({ metadata, spec }: ManagedCluster) =>
    JSON.stringify([metadata.labels, metadata.deletionTimestamp, spec.taints]);
  return facts(a) !== facts(b);
}
