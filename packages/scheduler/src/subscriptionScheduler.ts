// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type FeedInventory, type KubeObject, type ManagedCluster, names, type Subscription } from '@clusternet/api-types';
import { type KubeClient, objectKey } from '@clusternet/client';
import { type Change, type EventRecorder, type Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { buildFrameworks } from './buildFrameworks.ts';
import { Promises } from './capacity/promises.ts';
import { ClusterSnapshot, placementDiffers, roomDiffers } from './clusterSnapshot.ts';
import { concernedBy, selects, type SubscriptionIndex } from './concern.ts';
import { type FrameworkHandle, type PluginRegistry } from './framework/plugin.ts';
import { type ProfileConfig } from './framework/profile.ts';
import { LatestSubscriptions } from './latestSubscriptions.ts';
import { clusterKey } from './placement/bound.ts';
import { inTreeRegistry } from './plugins/inTree.ts';
import { HttpPredictorClient, type PredictorClient } from './predictor/predictorClient.ts';
import { ProfileRunner } from './profileRunner.ts';
import { StatusWriter } from './statusWriter.ts';

/** For how long it is remembered that a cluster is missing; one that is still bound then is looked at anew. */
const MISSING_MEMORY_MS = 3_600_000;

/** What is needed of an informer. */
type Source<T extends KubeObject> = Pick<Informer<T>, 'get' | 'list' | 'onChange' | 'waitForSync'>;

/** Options of {@link SubscriptionScheduler}. */
export interface SubscriptionSchedulerOptions {
  client: Pick<KubeClient, 'resource' | 'request'>;
  /** Has the indexes of {@link subscriptionIndexers}. */
  subscriptions: Source<Subscription> & SubscriptionIndex;
  clusters: Source<ManagedCluster>;
  inventories: Source<FeedInventory>;
  recorder: Pick<EventRecorder, 'event'>;
  logger: Logger;
  metrics?: Metrics;
  /** The leadership under which decisions are written. */
  signal?: AbortSignal;
  now?: () => Date;
  /** Default: the profile `default` with the default plugins. */
  profiles?: readonly ProfileConfig[];
  /** Plugins besides the in-tree ones. */
  plugins?: PluginRegistry;
  /** Longest wait for one answer of a plugin, in milliseconds; default 5000. */
  pluginTimeoutMs?: number;
  /** See `percentageOfClustersToScore` of the configuration. */
  percentageOfClustersToScore?: number;
  /** How long a cluster without ManagedCluster stays bound, in milliseconds; default 30 000. */
  vanishedGraceMs?: number;
  /** Share of failing predictors, in percent, above which a decision is put off; never if absent. */
  percentageOfClustersToTolerate?: number;
  /** Default: by HTTP, through the tunnel or directly. */
  predictorClient?: PredictorClient;
}

/**
 * Writes into the status of each Subscription where it goes: `bindingClusters`, `replicas`, `specHash`, `desiredReleases` and the
 * condition `Scheduled`. Each profile handles the Subscriptions of its `schedulerName`.
 */
export class SubscriptionScheduler {
  readonly #o: SubscriptionSchedulerOptions;
  readonly #runners = new Map<string, ProfileRunner>();
  readonly #latest: LatestSubscriptions;
  readonly #snapshot: ClusterSnapshot;
  readonly #promises = new Promises();
  readonly #writer: StatusWriter;
  /** When bound clusters were first seen to be missing. */
  readonly #missingSince = new Map<string, number>();
  readonly #strangers = new Set<string>();
  readonly #now: () => Date;
  #stops: (() => void)[] = [];

  private constructor(options: SubscriptionSchedulerOptions) {
    const { client, recorder, logger, subscriptions, clusters } = options;
    this.#o = options;
    this.#now = options.now ?? (() => new Date());
    this.#latest = new LatestSubscriptions(subscriptions);
    this.#snapshot = new ClusterSnapshot(() => clusters.list());
    this.#writer = new StatusWriter({ client, latest: this.#latest, recorder, logger, now: this.#now });
  }

  /**
   * Makes the plugins of all profiles.
   *
   * @throws ProfileError when the profiles cannot work
   */
  static async create(options: SubscriptionSchedulerOptions): Promise<SubscriptionScheduler> {
    const scheduler = new SubscriptionScheduler(options);
    await scheduler.#prepare();
    return scheduler;
  }

  /** Starts deciding once all informers are complete: half a list of clusters must not look like clusters that left. */
  async start(signal: AbortSignal): Promise<void> {
    const { subscriptions, clusters, inventories } = this.#o;
    await Promise.all([subscriptions, clusters, inventories].map((source) => source.waitForSync(signal)));
    // What was promised before this term comes first, or the first decisions would promise it again.
    for (const subscription of subscriptions.list()) this.#runnerOf(subscription)?.forget(subscription);
    for (const runner of this.#runners.values()) runner.queue.start();
  }

  /** Resolves when nothing is left to decide. */
  async idle(): Promise<void> {
    await Promise.all([...this.#runners.values()].map(({ queue }) => queue.whenIdle()));
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await Promise.all([...this.#runners.values()].map(({ queue }) => queue.close()));
  }

  async #prepare(): Promise<void> {
    const { client, plugins, profiles = [{ schedulerName: names.defaultScheduler }], pluginTimeoutMs = 5_000 } = this.#o;
    const inTree = inTreeRegistry({
      predictorClient: this.#o.predictorClient ?? new HttpPredictorClient({ client }),
      promises: this.#promises,
      writer: this.#writer,
      now: () => this.#now().getTime(),
    });
    const registry = { ...plugins, ...inTree };
    const handleOf = (schedulerName: string) => this.#handle(schedulerName);
    for (const framework of await buildFrameworks(profiles, { registry, pluginTimeoutMs, handleOf })) {
      this.#runners.set(framework.schedulerName, this.#runner(framework));
    }
    const { subscriptions, clusters, inventories } = this.#o;
    this.#stops = [
      subscriptions.onChange((change) => this.#subscriptionChanged(change)),
      clusters.onChange((change) => this.#clusterChanged(change)),
      inventories.onChange(({ key }) => this.#activate(key)),
    ];
  }

  #runner(framework: Awaited<ReturnType<typeof buildFrameworks>>[number]): ProfileRunner {
    const {
      logger,
      metrics,
      signal,
      inventories,
      percentageOfClustersToScore: percent,
      percentageOfClustersToTolerate,
    } = this.#o;
    return new ProfileRunner({
      framework,
      latest: this.#latest,
      clusters: () => this.#snapshot.get(),
      inventoryOf: (key) => inventories.get(key),
      absentForMs: (cluster) => this.#absentForMs(cluster),
      vanishedGraceMs: this.#o.vanishedGraceMs,
      promises: this.#promises,
      writer: this.#writer,
      logger,
      metrics,
      signal,
      now: this.#now,
      sampling: percent ? { percent, start: 0 } : undefined,
      toleratedPercent: percentageOfClustersToTolerate,
    });
  }

  #handle(schedulerName: string): FrameworkHandle {
    return {
      schedulerName,
      logger: this.#o.logger.child({ profile: schedulerName }),
      clusters: () => this.#snapshot.get(),
      waiting: (subscription) => this.#runners.get(schedulerName)?.permits.get(subscription),
      activate: (subscription) => this.#activate(subscription),
    };
  }

  #subscriptionChanged({ type, key, object, previous }: Change<Subscription>): void {
    const runner = this.#runnerOf(object);
    const own = this.#latest.isOwn(object);
    // Lets go of what was remembered of an own write that the informer shows by now.
    this.#latest.get(key);
    const before = previous && this.#runnerOf(previous);
    if (type === 'deleted' || (before !== undefined && before !== runner)) {
      before?.queue.unpark(key);
      before?.permits.outdate(key);
    }
    if (type === 'deleted') {
      runner?.queue.unpark(key);
      runner?.permits.outdate(key);
      this.#strangers.delete(key);
      this.#promises.set(key, new Map(), this.#now().getTime());
      return;
    }
    if (runner === undefined) {
      this.#stranger(key, object);
      return;
    }
    this.#strangers.delete(key);
    // Echoes of our own writes change the version and nothing that a decision depends on.
    const echo =
      type === 'modified' && previous !== undefined && sameWish(previous, object) && (own || samePlace(previous, object));
    if (echo) return;
    // The longest wait for a permit is a quarter of an hour: not on a decision that was made on something else.
    runner.permits.outdate(key);
    runner.queue.activate(key, object.spec.priority ?? 0);
  }

  #clusterChanged({ type, object, previous }: Change<ManagedCluster>): void {
    this.#snapshot.outdated();
    if (type !== 'deleted') this.#missingSince.delete(clusterKey(object));
    const modified = type === 'modified' && previous !== undefined;
    if (!modified || placementDiffers(previous, object)) {
      const { subscriptions } = this.#o;
      const states = previous === undefined ? [object] : [previous, object];
      for (const subscription of new Set(states.flatMap((state) => concernedBy(state, subscriptions)))) {
        this.#runnerOf(subscription)?.queue.activate(objectKey(subscription), subscription.spec.priority ?? 0);
      }
    }
    if (modified && roomDiffers(previous, object)) {
      for (const { queue } of this.#runners.values()) {
        queue.roomChanged((key) => {
          const subscription = this.#o.subscriptions.get(key);
          return subscription !== undefined && selects(subscription, object.metadata.labels);
        });
      }
    }
  }

  #activate(key: string): void {
    const subscription = this.#o.subscriptions.get(key);
    if (subscription !== undefined) this.#runnerOf(subscription)?.queue.activate(key, subscription.spec.priority ?? 0);
  }

  #runnerOf({ spec }: Subscription): ProfileRunner | undefined {
    return this.#runners.get(spec.schedulerName ?? names.defaultScheduler);
  }

  /** It may be another scheduler's, so it is left alone; but where nobody answers, this line is what there is to be found. */
  #stranger(key: string, { spec }: Subscription): void {
    if (this.#strangers.has(key)) return;
    this.#strangers.add(key);
    this.#o.logger.info('subscription of a scheduler that is not configured here', {
      subscription: key,
      schedulerName: spec.schedulerName,
      profiles: [...this.#runners.keys()],
    });
  }

  #absentForMs(cluster: string): number {
    const now = this.#now().getTime();
    const since = this.#missingSince.get(cluster);
    if (since !== undefined) return now - since;
    // Long after the grace of the last one nobody is bound to those any more.
    for (const [other, at] of this.#missingSince) if (now - at > MISSING_MEMORY_MS) this.#missingSince.delete(other);
    this.#missingSince.set(cluster, now);
    return 0;
  }
}

function sameWish(a: Subscription, b: Subscription): boolean {
  return (
    a.metadata.generation !== undefined &&
    a.metadata.uid === b.metadata.uid &&
    a.metadata.generation === b.metadata.generation &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    JSON.stringify(a.metadata.annotations) === JSON.stringify(b.metadata.annotations)
  );
}

function samePlace(a: Subscription, b: Subscription): boolean {
  return (
    JSON.stringify(a.status?.bindingClusters ?? []) === JSON.stringify(b.status?.bindingClusters ?? []) &&
    JSON.stringify(a.status?.replicas ?? {}) === JSON.stringify(b.status?.replicas ?? {})
  );
}
