// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  ApiTypeError,
  fnv1a32,
  parseKind,
  resources,
  stableStringify,
  type FeedInventory,
  type ManagedCluster,
  type Subscription,
} from '@clusternet/api-types';
import { CycleState } from '../framework/cycleState.ts';
import { type ClusterVerdict, type Framework } from '../framework/framework.ts';
import { type ClusterInfo, type Cycle, type FeasibleCluster, type TargetClusters } from '../framework/plugin.ts';
import { PluginError } from '../framework/pluginGuard.ts';
import { type Status } from '../framework/status.ts';
import { replicaLists } from '../plugins/targets.ts';
import { Bound, replicaFeeds, VANISHED_GRACE_MS } from './bound.ts';
import { explainNone, explainSome, Rejections, shortened } from './explain.ts';
import { guardMassRemoval } from './guard.ts';
import { sampled, type Sampling } from './sample.ts';
import { chooseSubGroups } from './subGroups.ts';

/** What a decision is made from. */
export interface DecisionInput {
  framework: Framework;
  subscription: Subscription;
  /** Every cluster there is, ascending by key. */
  clusters: readonly ClusterInfo[];
  /** Of the Subscription; undefined while there is none. */
  inventory?: FeedInventory;
  /** For how long a bound cluster has had no ManagedCluster, in milliseconds. */
  absentForMs: (cluster: string) => number;
  /** For how long such a cluster stays bound, in milliseconds; default {@link VANISHED_GRACE_MS}. */
  vanishedGraceMs?: number;
  now: Date;
  signal?: AbortSignal;
  /** Bounds the search for feasible clusters. */
  sampling?: Sampling;
  /** Share of the predictors, in percent, whose failure is accepted; all if absent. */
  toleratedPercent?: number;
}

/** Where a Subscription goes, and the condition that says so. */
export interface Decision {
  bindings: string[];
  /** Replicas per feed in the order of the bindings; absent for Replication. */
  replicas?: Record<string, number[]>;
  /** FNV-1a hash of the spec that was acted on; the old one while that spec is not acted on. */
  specHash: number | undefined;
  scheduled: { status: 'True' | 'False'; reason: string; message: string };
  recheckAfterMs?: number;
  /** Clusters left out, by plugin: `ClusterAffinity 2, TaintToleration 1`. */
  leftOut?: string;
}

/** What comes of looking at a Subscription. */
export interface Outcome {
  decision: Decision;
  /** The bindings are to be carried out by the plugins; otherwise only the condition is to be told. */
  bind?: { cycle: Cycle; targets: TargetClusters };
  /** More room somewhere may change the answer. */
  wantsRoom?: boolean;
  /** A plugin failed: look again after a while. */
  error?: PluginError;
  /** Nothing is decided before this settles. */
  until?: Promise<unknown>;
}

/** When a Subscription that lacks room is looked at again although nothing was heard. */
const ROOM_RECHECK_MS = 30_000;

/**
 * Decides one Subscription. No I/O but that of plugins. What cannot be decided (an invalid spec, a plugin that failed) or must not be done
 * unasked leaves the bindings as they are and says why.
 */
export async function decide(input: DecisionInput): Promise<Outcome> {
  const { subscription } = input;
  try {
    parseKind(resources.subscriptions, subscription);
    return await new Decider(input).run();
  } catch (error) {
    // Selectors with an operator that nobody knows are found only when they are used.
    const wrong = error instanceof PluginError ? error.cause : error;
    if (wrong instanceof ApiTypeError || wrong instanceof RangeError) {
      return { decision: stay(subscription, { reason: 'InvalidSubscription', message: wrong.message }) };
    }
    if (error instanceof PluginError) {
      return { decision: stay(subscription, { reason: 'PluginFailed', message: error.message }), error };
    }
    throw error;
  }
}

class Decider {
  readonly #o: DecisionInput;
  readonly #bound: Bound;
  readonly #rejections = new Rejections();
  readonly #cycle: Cycle;
  readonly #vanished: readonly string[];
  readonly #evicting = new Set<string>();
  #recheckAfterMs = Infinity;

  constructor(input: DecisionInput) {
    const { subscription, clusters, inventory, now, signal = new AbortController().signal } = input;
    this.#o = input;
    const bound = new Bound(subscription);
    this.#bound = bound;
    this.#vanished = this.#inGrace(new Set(clusters.map(({ key }) => key)));
    const dividing = subscription.spec.schedulingStrategy === 'Dividing';
    const feeds = dividing ? replicaFeeds(inventory) : [];
    this.#cycle = {
      subscription,
      inventory,
      // What runs in a cluster that may come back in a moment is neither lost nor to be divided anew.
      feeds: feeds.map((feed) => ({ ...feed, desired: Math.max(0, feed.desired - this.#heldOf(feed.key)) })),
      state: new CycleState(),
      now,
      signal,
      isBound: (cluster) => bound.has(cluster),
      currentReplicas: (feed, cluster) => bound.replicasIn(feed, cluster),
    };
  }

  async run(): Promise<Outcome> {
    const { framework, clusters } = this.#o;
    const { objection, skipped } = await framework.preFilter(this.#cycle);
    if (objection) return this.#refused(objection);
    const dividing = this.#o.subscription.spec.schedulingStrategy === 'Dividing';
    const looked = sampled(clusters, this.#bound, dividing ? this.#o.sampling : undefined);
    const verdicts = await looked.search((some) => framework.filter(this.#cycle, some, skipped));
    const feasible = this.#feasible(verdicts);
    const hints = feasible.length === 0 ? await framework.postFilter(this.#cycle, rejectedOf(verdicts)) : [];
    const predicted = await this.#predict(feasible);
    if ('decision' in predicted) return predicted;
    const scores = await framework.score(this.#cycle, feasible);
    const scored = predicted.clusters.map((one) => ({ ...one, score: scores.get(one.key) ?? 0 }));
    return this.#assign(scored, hints);
  }

  #feasible(verdicts: readonly ClusterVerdict[]): FeasibleCluster[] {
    const feasible: FeasibleCluster[] = [];
    for (const { info, rejected, frozen, recheckAfterMs } of verdicts) {
      this.#recheckAfterMs = Math.min(this.#recheckAfterMs, recheckAfterMs);
      if (rejected) {
        this.#rejections.add(rejected.plugin, rejected.reasons ?? []);
        if (rejected.plugin === 'TaintToleration') this.#evicting.add(info.key);
      } else feasible.push({ ...info, score: 0, frozen });
    }
    return feasible;
  }

  async #predict(feasible: readonly FeasibleCluster[]): Promise<{ clusters: FeasibleCluster[] } | Outcome> {
    const { framework, toleratedPercent = 100, subscription } = this.#o;
    if (this.#cycle.feeds.length === 0 || !(await framework.prePredict(this.#cycle, feasible)))
      return { clusters: [...feasible] };
    const open = feasible.filter(({ frozen }) => !frozen);
    const { replicas, rejected, until } = await framework.predict(this.#cycle, open);
    if (until) return { decision: this.#stay({ reason: 'PredictionsPending', message: 'waits for predictions' }), until };
    for (const { plugin, reasons = [] } of rejected.values()) this.#rejections.add(plugin, reasons);
    if (rejected.size * 100 > open.length * toleratedPercent) {
      const message = `${rejected.size} of ${open.length} predictions failed, and ${toleratedPercent}% are tolerated: ${explainNone(this.#rejections, open.length)}`;
      return { decision: stay(subscription, { reason: 'PredictionFailed', message }), wantsRoom: true };
    }
    const clusters: FeasibleCluster[] = [];
    for (const one of feasible) {
      if (!rejected.has(one.key)) clusters.push({ ...one, predicted: replicas.get(one.key) });
      // What runs in a child that does not answer may be quite well.
      else if (this.#bound.has(one.key)) clusters.push({ ...one, frozen: true });
    }
    return { clusters };
  }

  async #assign(scored: readonly FeasibleCluster[], hints: readonly string[]): Promise<Outcome> {
    const { framework, subscription } = this.#o;
    const { spec } = subscription;
    const groups = spec.schedulingBySubGroup === true ? chooseSubGroups(spec, scored, (key) => this.#bound.has(key)) : undefined;
    const candidates = groups?.chosen ?? scored;
    const targets = await this.#targets(candidates);
    if ('code' in targets) return this.#refused(targets);
    const withVanished = this.#keepVanished(targets);
    const refused = await framework.postAssign(this.#cycle, withVanished);
    if (refused) return this.#refused(refused);
    return this.#conclude(withVanished, { shortfalls: [...(groups?.shortfalls ?? []), ...(targets.shortfalls ?? [])], hints });
  }

  async #targets(candidates: readonly FeasibleCluster[]): Promise<TargetClusters | (Status & { plugin: string })> {
    const { framework, subscription } = this.#o;
    if (subscription.spec.schedulingStrategy !== 'Dividing') return { bindingClusters: candidates.map(({ key }) => key) };
    if (candidates.length === 0) return { bindingClusters: [], replicas: replicaLists(this.#cycle, new Map()) };
    const assigned = await framework.assign(this.#cycle, candidates);
    return (
      assigned ?? {
        code: 'Unschedulable',
        reasons: ['every assign plugin skipped the Subscription'],
        plugin: framework.at('assign').join(', '),
      }
    );
  }

  #conclude(targets: TargetClusters, { shortfalls, hints }: { shortfalls: string[]; hints: readonly string[] }): Outcome {
    const { subscription, clusters } = this.#o;
    const specHash = fnv1a32(stableStringify(subscription.spec));
    const recheckAfterMs = this.#recheck(shortfalls.length > 0);
    const guarded = guardMassRemoval({
      subscription,
      placement: { bindings: targets.bindingClusters },
      present: new Set(clusters.map(({ key }) => key)),
      specChanged: subscription.status?.specHash !== specHash,
      evicting: this.#evicting,
    });
    if (guarded.held) {
      const { message, bindings } = guarded;
      const held = this.#stay({ reason: 'MassRemovalHeld', message, bindings });
      return { decision: { ...held, recheckAfterMs }, wantsRoom: true };
    }
    const leftOut = this.#rejections.byPlugin();
    const { bindingClusters: bindings, replicas } = targets;
    const said = this.#said(bindings, { shortfalls, hints });
    const decision: Decision = {
      bindings,
      ...(replicas === undefined ? {} : { replicas }),
      specHash,
      scheduled: { ...said, message: shortened(said.message) },
      recheckAfterMs,
      ...(leftOut === '' ? {} : { leftOut }),
    };
    return { decision, bind: { cycle: this.#cycle, targets }, wantsRoom: said.status === 'False' };
  }

  #said(
    bindings: readonly string[],
    { shortfalls, hints }: { shortfalls: string[]; hints: readonly string[] },
  ): Decision['scheduled'] {
    if (bindings.length === 0 && this.#o.subscription.spec.subscribers.length > 0 && shortfalls.length === 0) {
      const message = [explainNone(this.#rejections, this.#o.clusters.length), ...hints].join(' ');
      return { status: 'False', reason: 'NoClusterAvailable', message };
    }
    const message = [explainSome(this.#rejections, bindings.length), ...shortfalls].join('; ');
    if (shortfalls.length > 0) return { status: 'False', reason: 'InsufficientCapacity', message };
    return { status: 'True', reason: 'Scheduled', message };
  }

  #refused({ reasons = [], plugin, recheckAfterMs }: Status & { plugin: string }): Outcome {
    const message = `${plugin}: ${reasons.join(', ') || 'it gave no reason'}`;
    this.#recheckAfterMs = Math.min(this.#recheckAfterMs, recheckAfterMs ?? Infinity);
    const decision = this.#stay({ reason: 'Unschedulable', message });
    return { decision: { ...decision, recheckAfterMs: this.#recheck(false) }, wantsRoom: true };
  }

  #stay(o: { reason: string; message: string; bindings?: string[] }): Decision {
    const leftOut = this.#rejections.byPlugin();
    return { ...stay(this.#o.subscription, o, this.#bound), ...(leftOut === '' ? {} : { leftOut }) };
  }

  #recheck(lacksRoom: boolean): number | undefined {
    const ms = Math.min(this.#recheckAfterMs, lacksRoom ? ROOM_RECHECK_MS : Infinity);
    return ms === Infinity ? undefined : ms;
  }

  #inGrace(present: ReadonlySet<string>): string[] {
    return this.#bound.clusters.filter((key) => {
      if (present.has(key)) return false;
      const left = (this.#o.vanishedGraceMs ?? VANISHED_GRACE_MS) - this.#o.absentForMs(key);
      if (left > 0) this.#recheckAfterMs = Math.min(this.#recheckAfterMs, left);
      return left > 0;
    });
  }

  #heldOf(feed: string): number {
    return this.#vanished.reduce((sum, cluster) => sum + this.#bound.replicasIn(feed, cluster), 0);
  }

  /** The targets, ascending, with the clusters that vanished a moment ago. */
  #keepVanished({ bindingClusters, replicas }: TargetClusters): TargetClusters {
    const all = [...bindingClusters, ...this.#vanished];
    const order = all.map((_, i) => i).sort((a, b) => ((all[a] ?? '') < (all[b] ?? '') ? -1 : 1));
    const sorted = order.map((i) => all[i] ?? '');
    if (replicas === undefined) return { bindingClusters: sorted };
    const divided = new Set(this.#cycle.feeds.map(({ key }) => key));
    const lists = Object.entries(replicas).map(([feed, list]) => {
      if (!divided.has(feed)) return [feed, list] as const;
      const whole = [...list, ...this.#vanished.map((cluster) => this.#bound.replicasIn(feed, cluster))];
      return [feed, order.map((i) => whole[i] ?? 0)] as const;
    });
    return { bindingClusters: sorted, replicas: Object.fromEntries(lists) };
  }
}

function stay(
  subscription: Subscription,
  { reason, message, bindings }: { reason: string; message: string; bindings?: string[] },
  bound: Bound = new Bound(subscription),
): Decision {
  const kept = bindings ?? [...bound.clusters];
  const replicas = bound.listsFor(kept);
  return {
    bindings: kept,
    ...(replicas === undefined ? {} : { replicas }),
    specHash: subscription.status?.specHash,
    scheduled: { status: 'False', reason, message: shortened(message) },
  };
}

function rejectedOf(verdicts: readonly ClusterVerdict[]): Map<string, Status> {
  return new Map(verdicts.flatMap(({ info, rejected }) => (rejected ? [[info.key, rejected] as const] : [])));
}

/** Clusters as decisions look at them: ascending by key, so that nothing depends on the order in which they were heard of. */
export function snapshotOf(clusters: readonly ManagedCluster[]): ClusterInfo[] {
  return clusters
    .map((cluster) => ({ key: `${cluster.metadata.namespace}/${cluster.metadata.name}`, cluster }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
