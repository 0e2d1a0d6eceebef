// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description, finalizers, resources } from '@clusternet/api-types';
import { isNotFound, type KubeClient, objectKey } from '@clusternet/client';
import {
  type Change,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
  type Metrics,
  type ReconcileContext,
  systemClock,
  WorkQueue,
} from '@clusternet/runtime';
import { FlapGuard } from './flapGuard.ts';
import { Group } from './group.ts';
import { Groups } from './groups.ts';
import { flapKey, GroupWorker, UnreachableError } from './groupWorker.ts';
import { KindResolver } from './kindResolver.ts';
import { LiveWatches } from './liveWatches.ts';
import { ObjectApplier } from './objectApplier.ts';
import { Reachability } from './reachability.ts';
import { firstShard } from './shards.ts';
import { StatusWriter } from './statusWriter.ts';

/** Options of {@link ClusterDeployer}. */
export interface ClusterDeployerOptions {
  /** Client of the cluster to deploy into. */
  child: KubeClient;
  /** Client of the cluster that holds the Descriptions. */
  parent: KubeClient;
  /** Dedicated namespace of the child in the parent. */
  namespace: string;
  /** For logs. */
  clusterName: string;
  /** Descriptions, of this namespace or of all; started and closed by the caller. */
  descriptions: Informer<Description>;
  recorder: EventRecorder;
  logger: Logger;
  /** Its work queues report as `deployer` and `deployer-status`, those of all clusters as one. */
  metrics?: Metrics;
  /**
   * The leadership under which it acts: once aborted, nothing more is written, also when the process slept through the end
   * of its lease. It is closed by its caller all the same.
   */
  signal?: AbortSignal;
  /** Put back what is changed or deleted in the child. */
  recovery?: boolean;
  /** Objects that are worked on at a time; default 16. */
  concurrency?: number;
  /** Whether the objects of a Description that is being deleted stay in the child; only its finalizer goes then. */
  retain?: (description: Description) => Promise<boolean>;
  /** For tests. */
  clock?: Pick<Clock, 'monotonic' | 'now'>;
  /** Between 0 and 1; for tests. */
  random?: () => number;
}

/**
 * Deploys the Generic Descriptions of one dedicated namespace into one child cluster: applies their objects in waves,
 * deletes what they list as removed, keeps their status, and takes everything away when they are deleted.
 *
 * @remarks The Descriptions of one Base (its shards) are worked together, one after the other in time, so that an object
 * may move between them. Memory is only a saving: all that has to survive a restart is in the objects of the child and in
 * the Descriptions.
 */
export class ClusterDeployer {
  readonly #o: ClusterDeployerOptions;
  readonly #logger: Logger;
  readonly #groups = new Groups();
  readonly #flaps = new FlapGuard();
  readonly #reachability: Reachability;
  readonly #worker: GroupWorker;
  readonly #watches: LiveWatches;
  readonly #statuses: StatusWriter;
  readonly #work: WorkQueue;
  readonly #report: WorkQueue;
  /** Names of the Descriptions of each group. */
  readonly #members = new Map<string, Set<string>>();
  readonly #stop = new AbortController();
  readonly #clock: Pick<Clock, 'monotonic' | 'now'>;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ClusterDeployerOptions) {
    const { child, parent, namespace, recovery = false, clock = systemClock, random = Math.random } = options;
    this.#o = options;
    this.#clock = clock;
    this.#logger = options.logger.child({ cluster: options.clusterName, namespace });
    const kinds = new KindResolver(child.mapper, () => clock.monotonic());
    this.#reachability = new Reachability({
      probe: (signal) => child.request({ method: 'GET', path: '/version', signal, timeoutMs: 5_000 }),
      onChange: () => this.#reachabilityChanged(),
      logger: this.#logger,
      now: () => clock.now().getTime(),
      random,
    });
    this.#worker = new GroupWorker({
      namespace,
      applier: new ObjectApplier(child, kinds),
      kinds,
      groups: this.#groups,
      reachability: this.#reachability,
      flaps: this.#flaps,
      recovery,
      concurrency: options.concurrency ?? 16,
      clock,
      random,
      onResult: resultCounter(options.metrics),
      onGivenUp: (keys, by) => this.#retryWaiting(keys, by),
    });
    this.#watches = new LiveWatches({
      child,
      logger: this.#logger,
      content: recovery,
      onChange: (definition, change) => {
        const affected = this.#groups.observe(definition, change, recovery);
        if (affected?.work) this.#work.add(affected.group.owner.name);
        else if (affected) this.#reportGroup(affected.group.owner.name);
      },
      onBegun: (definition, isThere) => {
        if (!recovery) return;
        for (const { owner } of this.#groups.missed(definition, isThere)) this.#work.add(owner.name);
      },
    });
    this.#statuses = new StatusWriter({
      parent,
      recorder: options.recorder,
      reachability: this.#reachability,
      flaps: this.#flaps,
      clock,
    });
    const queue = { workers: 8, logger: this.#logger, metrics: options.metrics, signal: options.signal };
    this.#work = new WorkQueue({
      ...queue,
      name: 'deployer',
      reconcile: (name, context) => this.#reconcile(name, context),
    });
    this.#report = new WorkQueue({
      ...queue,
      name: 'deployer-status',
      reconcile: async (key, { signal }) => this.#writeStatus(key, signal),
    });
  }

  /** Begins to deploy, once the informer of Descriptions is in sync. */
  start(): void {
    if (this.#unsubscribe || this.#stop.signal.aborted) return;
    this.#unsubscribe = this.#o.descriptions.onChange((change) => this.#changed(change));
    this.#o.descriptions.waitForSync(this.#stop.signal).then(
      () => {
        this.#work.start();
        this.#report.start();
      },
      () => undefined,
    );
  }

  /** Stops deploying; what is in the child stays. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the deployer is closing'));
    this.#unsubscribe?.();
    await Promise.all([this.#work.close(), this.#report.close(), this.#reachability.close()]);
    await this.#watches.close();
  }

  #changed({ type, object, previous }: Change<Description>): void {
    if (object.metadata.namespace !== this.#o.namespace || object.spec.deployer !== 'Generic') return;
    const { name, generation, deletionTimestamp } = object.metadata;
    const group = firstShard(name);
    const members = this.#members.get(group) ?? new Set();
    if (type === 'deleted') members.delete(name);
    else members.add(name);
    this.#statuses.observed(object);
    // After a status that is being written right now, so that nothing of a Description that is gone stays in memory.
    if (type === 'deleted') this.#report.add(objectKey(object));
    if (members.size > 0) this.#members.set(group, members);
    else this.#members.delete(group);
    const same =
      type === 'modified' &&
      previous?.metadata.uid === object.metadata.uid &&
      previous?.metadata.generation === generation &&
      previous?.metadata.deletionTimestamp === deletionTimestamp;
    if (!same) this.#work.add(group, { priority: deletionTimestamp === undefined ? 0 : 1 });
  }

  async #reconcile(name: string, { signal, logger }: ReconcileContext): Promise<{ requeueAfterMs?: number } | void> {
    const descriptions = this.#descriptionsOf(name);
    const group = this.#groups.get(name) ?? new Group({ namespace: this.#o.namespace, name });
    if (descriptions.length === 0) return this.#forget(group);
    this.#groups.add(group);
    const kept = await this.#retained(descriptions, signal);
    if (this.#reachability.blocked) return this.#reportGroup(name);
    const toDo = descriptions.filter((description) => !kept.has(description));
    try {
      await this.#worker.work(group, toDo, signal);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      logger.debug('work is put off until the child cluster answers');
      return;
    } finally {
      await this.#watches.set(this.#groups.resources());
    }
    group.working = false;
    this.#reportGroup(name);
    for (const description of toDo) {
      if (description.metadata.deletionTimestamp !== undefined && group.isGone(description))
        await this.#finish(description, signal);
    }
    const requeueAfterMs = group.nextAttempt(this.#clock.monotonic());
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  }

  /** Lets go of the Descriptions whose objects stay in the child. */
  async #retained(descriptions: readonly Description[], signal: AbortSignal): Promise<Set<Description>> {
    const kept = new Set<Description>();
    for (const description of descriptions) {
      if (description.metadata.deletionTimestamp === undefined) continue;
      if (!(await this.#o.retain?.(description))) continue;
      kept.add(description);
      await this.#finish(description, signal);
    }
    return kept;
  }

  /** Removes our finalizer. */
  async #finish(description: Description, signal: AbortSignal): Promise<void> {
    const client = this.#o.parent.resource<Description>(resources.descriptions);
    const { name, namespace } = description.metadata;
    const ref = { name, namespace };
    for (let live: Description | undefined = description; live; live = await client.find(ref, { signal })) {
      const current = live.metadata.finalizers ?? [];
      if (live.metadata.uid !== description.metadata.uid || !current.includes(finalizers.default)) return;
      const rest = current.filter((finalizer) => finalizer !== finalizers.default);
      const patch = [
        { op: 'test', path: '/metadata/uid', value: live.metadata.uid },
        { op: 'test', path: '/metadata/finalizers', value: current },
        { op: 'replace', path: '/metadata/finalizers', value: rest },
      ];
      try {
        await client.patch(ref, patch, { type: 'json', signal });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        // A test that fails means that our copy is old; the live object tells whether that was it.
        const now = await client.find(ref, { signal });
        if (now && JSON.stringify(now.metadata.finalizers) === JSON.stringify(current)) throw error;
      }
    }
  }

  async #writeStatus(key: string, signal: AbortSignal): Promise<{ requeueAfterMs: number } | undefined> {
    const description = this.#o.descriptions.get(key);
    if (!description) {
      this.#statuses.forget(key);
      return undefined;
    }
    return this.#statuses.write(description, this.#groups.get(firstShard(description.metadata.name)), signal);
  }

  async #forget(group: Group): Promise<void> {
    this.#groups.remove(group);
    for (const object of group.objects.values()) this.#flaps.forget(flapKey(group, object));
    await this.#watches.set(this.#groups.resources());
  }

  #descriptionsOf(group: string): Description[] {
    const members = [...(this.#members.get(group) ?? [])];
    return members
      .flatMap((name) => this.#o.descriptions.get(objectKey({ namespace: this.#o.namespace, name })) ?? [])
      .sort(byShard);
  }

  #reportGroup(group: string): void {
    for (const name of this.#members.get(group) ?? []) this.#report.add(objectKey({ namespace: this.#o.namespace, name }));
  }

  #reachabilityChanged(): void {
    for (const group of this.#members.keys()) {
      if (!this.#reachability.blocked) this.#work.add(group);
      this.#reportGroup(group);
    }
  }

  /** Objects that were somebody else's may be free now. */
  #retryWaiting(keys: readonly string[], by: Group): void {
    for (const group of this.#groups.all()) {
      const waiting = group === by ? [] : keys.flatMap((key) => group.objects.get(key) ?? []);
      const refused = waiting.filter(({ error }) => error?.reason === 'OwnedByOther');
      for (const object of refused) object.nextAttemptAt = 0;
      if (refused.length > 0) this.#work.add(group.owner.name);
    }
  }
}

/** The first shard first, further ones by number. */
function byShard(a: Description, b: Description): number {
  return a.metadata.name.length - b.metadata.name.length || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function resultCounter(metrics: Metrics | undefined): (result: string) => void {
  const counter = metrics?.counter({
    name: 'clusternet_deployer_objects_total',
    help: 'Attempts to bring an object into a child cluster or out of it, by result.',
    labelNames: ['result'],
  });
  return (result) => counter?.inc({ result });
}
