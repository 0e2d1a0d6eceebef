// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type FeedInventory, names, type Subscription } from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { type Logger, type Metrics, type ReconcileContext, toError } from '@clusternet/runtime';
import { requestOf } from './capacity/estimate.ts';
import { type Promises } from './capacity/promises.ts';
import { type Framework } from './framework/framework.ts';
import { type ClusterInfo, type Cycle, type TargetClusters } from './framework/plugin.ts';
import { PluginError } from './framework/pluginGuard.ts';
import { type LatestSubscriptions } from './latestSubscriptions.ts';
import { Bound, replicaFeeds } from './placement/bound.ts';
import { type Decision, decide, type Outcome } from './placement/decide.ts';
import { type Sampling } from './placement/sample.ts';
import { Mutex } from './queue/mutex.ts';
import { PermitRoom } from './queue/permitRoom.ts';
import { SchedulingQueue } from './queue/schedulingQueue.ts';
import { StatusWriter } from './statusWriter.ts';

/** What {@link ProfileRunner} needs. */
export interface ProfileRunnerOptions {
  framework: Framework;
  latest: LatestSubscriptions;
  clusters: () => readonly ClusterInfo[];
  inventoryOf: (key: string) => FeedInventory | undefined;
  absentForMs: (cluster: string) => number;
  vanishedGraceMs?: number;
  promises: Promises;
  writer: StatusWriter;
  logger: Logger;
  metrics?: Metrics;
  signal?: AbortSignal;
  now: () => Date;
  sampling?: Sampling;
  toleratedPercent?: number;
}

/** Decides the Subscriptions of one profile, one at a time, and binds them side by side. */
export class ProfileRunner {
  readonly queue: SchedulingQueue;
  readonly permits = new PermitRoom();
  readonly #o: ProfileRunnerOptions;
  readonly #deciding = new Mutex();
  readonly #count: (labels: { result: string }) => void;

  constructor(options: ProfileRunnerOptions) {
    this.#o = options;
    const { framework, logger, metrics, signal } = options;
    const { schedulerName } = framework;
    const decisions = metrics?.counter({
      name: 'clusternet_scheduler_decisions_total',
      help: 'Decisions by profile and result.',
      labelNames: ['profile', 'result'],
    });
    this.#count = ({ result }) => decisions?.inc({ profile: schedulerName, result });
    this.queue = new SchedulingQueue({
      schedulerName,
      reconcile: (key, context) => this.#reconcile(key, context),
      logger,
      metrics,
      signal,
    });
  }

  async #reconcile(key: string, { signal }: ReconcileContext): Promise<{ requeueAfterMs?: number } | void> {
    let seen = 0;
    const work = await this.#deciding.run(async () => {
      // A hundred decisions in one turn would hold up the answers to the first bindings, and with them the next ones.
      await new Promise((resolve) => setImmediate(resolve));
      // Room that changes while it is decided or written is not in the decision.
      seen = this.queue.roomChanges;
      return this.#decide(key, signal);
    });
    if (work === undefined) return;
    const { subscription, outcome, waits } = work;
    if (outcome.until) {
      const { priority } = subscription.spec;
      outcome.until.then(
        () => this.queue.activate(key, priority),
        () => this.queue.later(key, priority),
      );
      return;
    }
    const { decision, bind, error } = outcome;
    if (bind && waits && waits.size > 0 && this.#hasChanged(subscription)) this.#letGo(subscription, bind);
    else if (bind && waits) await this.#bind(subscription, { ...bind, waits, signal });
    else await this.#o.writer.write(subscription, decision);
    if (outcome.wantsRoom) this.queue.park(key, { priority: subscription.spec.priority, seen });
    else this.queue.unpark(key);
    this.#count({ result: decision.scheduled.reason });
    if (error) throw error;
    return { requeueAfterMs: decision.recheckAfterMs };
  }

  async #decide(
    key: string,
    signal: AbortSignal,
  ): Promise<{ subscription: Subscription; outcome: Outcome; waits?: Map<string, number> } | undefined> {
    const { framework, latest, writer, now, sampling, toleratedPercent } = this.#o;
    const subscription = latest.get(key);
    if (subscription === undefined) {
      // A decision that was under way when it went has promised something after that.
      this.#o.promises.set(key, new Map(), now().getTime());
    }
    // One that waited here, and got another schedulerName meanwhile, is that one's.
    const own = (subscription?.spec.schedulerName ?? names.defaultScheduler) === framework.schedulerName;
    if (subscription === undefined || !own || subscription.metadata.deletionTimestamp !== undefined || signal.aborted) {
      this.queue.unpark(key);
      return undefined;
    }
    const time = now();
    const outcome = await decide({
      framework,
      subscription,
      clusters: this.#o.clusters(),
      inventory: this.#o.inventoryOf(key),
      absentForMs: this.#o.absentForMs,
      vanishedGraceMs: this.#o.vanishedGraceMs,
      now: time,
      signal,
      sampling,
      toleratedPercent,
    });
    const { decision, bind } = outcome;
    if (!bind || !writer.differs(subscription, decision)) return { subscription, outcome };
    // Before the next decision looks: what this one gives away is no longer there.
    this.#promise(key, { bindings: decision.bindings, replicas: decision.replicas });
    StatusWriter.prepare(bind.cycle, decision);
    try {
      const refused = await framework.reserve(bind.cycle, bind.targets);
      if (refused) return { subscription, outcome: this.#notBound(subscription, refused) };
      const { refused: denied, waits } = await framework.permit(bind.cycle, bind.targets);
      if (!denied) return { subscription, outcome, waits };
      framework.unreserve(bind.cycle, bind.targets);
      return { subscription, outcome: this.#notBound(subscription, denied) };
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      framework.unreserve(bind.cycle, bind.targets);
      return { subscription, outcome: this.#failed(subscription, error) };
    }
  }

  async #bind(
    subscription: Subscription,
    { cycle, targets, waits, signal }: { cycle: Cycle; targets: TargetClusters; waits: Map<string, number>; signal: AbortSignal },
  ): Promise<void> {
    const { framework, writer } = this.#o;
    try {
      const denied = await this.permits.wait(subscription, { waits, signal });
      if (denied === 'outdated') return this.#letGo(subscription, { cycle, targets });
      const refused =
        denied === undefined ? await framework.bind(cycle, targets) : { plugin: 'permit', reasons: [denied.refused] };
      if (refused === undefined) return;
      throw new Error((refused.reasons ?? []).join(', ') || `${refused.plugin} refused the binding`);
    } catch (error) {
      framework.unreserve(cycle, targets);
      this.forget(subscription);
      // An API server that failed, failed; a plugin that did is worth a word.
      if (!(error instanceof PluginError) || error.plugin !== 'DefaultBinder') {
        await writer.write(subscription, this.#failed(subscription, toError(error)).decision);
      }
      throw error instanceof PluginError && error.cause instanceof Error ? error.cause : error;
    }
  }

  /** A newer state than the one that was decided is in the queue already. */
  #hasChanged({ metadata }: Subscription): boolean {
    return this.#o.latest.get(objectKey(metadata))?.metadata.generation !== metadata.generation;
  }

  #letGo(subscription: Subscription, { cycle, targets }: { cycle: Cycle; targets: TargetClusters }): void {
    this.#o.framework.unreserve(cycle, targets);
    this.forget(subscription);
  }

  /** Promises what the Subscription has by its status, and nothing more. */
  forget(subscription: Subscription): void {
    const { bindingClusters = [], replicas } = subscription.status ?? {};
    this.#promise(objectKey(subscription), { bindings: bindingClusters, replicas });
  }

  #promise(key: string, { bindings, replicas }: Pick<Decision, 'bindings' | 'replicas'>): void {
    const { promises, now } = this.#o;
    const uses = new Map<string, Record<string, number>>();
    for (const { key: feed, order } of replicaFeeds(replicas === undefined ? undefined : this.#o.inventoryOf(key))) {
      const request = Object.entries(requestOf(order.replicaRequirements));
      for (const [i, count] of (replicas?.[feed] ?? []).entries()) {
        const cluster = bindings[i];
        if (cluster === undefined || count <= 0) continue;
        const use = uses.get(cluster) ?? {};
        for (const [resource, amount] of request) use[resource] = (use[resource] ?? 0) + amount * count;
        uses.set(cluster, use);
      }
    }
    promises.set(key, uses, now().getTime());
  }

  #notBound(subscription: Subscription, { plugin, reasons = [] }: { plugin: string; reasons?: readonly string[] }): Outcome {
    this.forget(subscription);
    const message = `${plugin}: ${reasons.join(', ') || 'it gave no reason'}`;
    return { decision: this.#stays(subscription, { reason: 'Unschedulable', message }), wantsRoom: true };
  }

  #failed(subscription: Subscription, error: Error): Outcome {
    this.forget(subscription);
    const decision = this.#stays(subscription, { reason: 'PluginFailed', message: error.message.slice(0, 1024) });
    return error instanceof PluginError ? { decision, error } : { decision };
  }

  #stays(subscription: Subscription, { reason, message }: { reason: string; message: string }): Decision {
    const bound = new Bound(subscription);
    const replicas = bound.listsFor(bound.clusters);
    return {
      bindings: [...bound.clusters],
      ...(replicas === undefined ? {} : { replicas }),
      specHash: subscription.status?.specHash,
      scheduled: { status: 'False', reason, message },
    };
  }
}
