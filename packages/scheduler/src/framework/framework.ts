// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type ClusterInfo,
  type ClusterScore,
  type Cycle,
  type ExtensionPoint,
  type FeasibleCluster,
  type FeedReplicas,
  MAX_CLUSTER_SCORE,
  type MaybePromise,
  type Plugin,
  type TargetClusters,
} from './plugin.ts';
import { isPromise, PluginError, type PluginGuard } from './pluginGuard.ts';
import { type ActivePlugin, type ActivePlugins } from './profile.ts';
import { isSuccess, type Status } from './status.ts';

/** What a plugin said, and which one it was. */
export interface PluginStatus extends Status {
  plugin: string;
}

/** What the filters say of one cluster. */
export interface ClusterVerdict {
  info: ClusterInfo;
  /** Set when the cluster is left out. */
  rejected?: PluginStatus;
  frozen: boolean;
  recheckAfterMs: number;
}

/** What the predictors say. */
export interface Predictions {
  replicas: Map<string, FeedReplicas>;
  rejected: Map<string, PluginStatus>;
  /** Set when some are not known yet: settles when asking again has a point. */
  until?: Promise<unknown>;
}

type Answer = Status | undefined | void;

/** The plugins of one profile, called point by point. Every failure of a plugin is a {@link PluginError}. */
export class Framework {
  readonly schedulerName: string;
  readonly #plugins: ActivePlugins;
  readonly #guard: PluginGuard;

  constructor(schedulerName: string, { plugins, guard }: { plugins: ActivePlugins; guard: PluginGuard }) {
    this.schedulerName = schedulerName;
    this.#plugins = plugins;
    this.#guard = guard;
  }

  /** Names of the plugins at a point, for messages and tests. */
  at(point: ExtensionPoint): string[] {
    return this.#plugins[point].map(({ plugin }) => plugin.name);
  }

  /** The first objection to the Subscription as a whole, and the plugins whose Filter is to be left out. */
  async preFilter(cycle: Cycle): Promise<{ objection?: PluginStatus; skipped: ReadonlySet<string> }> {
    const skipped = new Set<string>();
    for (const { plugin } of this.#plugins.preFilter) {
      const answer = await this.#ask(plugin, 'preFilter', () => plugin.preFilter?.(cycle));
      if (answer?.code === 'Skip') skipped.add(plugin.name);
      else if (!isSuccess(answer)) return { objection: { ...answer, plugin: plugin.name } as PluginStatus, skipped };
    }
    return { skipped };
  }

  /** Asks the filters about each cluster; the first that leaves it out gives the reason. */
  async filter(cycle: Cycle, clusters: readonly ClusterInfo[], skipped: ReadonlySet<string>): Promise<ClusterVerdict[]> {
    const plugins = this.#plugins.filter.filter(({ plugin }) => !skipped.has(plugin.name));
    const verdicts = clusters.map((info) => this.#judge(cycle, info, plugins));
    return settled(verdicts);
  }

  async postFilter(cycle: Cycle, rejected: ReadonlyMap<string, Status>): Promise<string[]> {
    const reasons: string[] = [];
    for (const { plugin } of this.#plugins.postFilter) {
      const answer = await this.#ask(plugin, 'postFilter', () => plugin.postFilter?.(cycle, rejected));
      reasons.push(...(answer?.reasons ?? []));
    }
    return reasons;
  }

  /** Whether there is anything to predict. */
  async prePredict(cycle: Cycle, clusters: readonly ClusterInfo[]): Promise<boolean> {
    for (const { plugin } of this.#plugins.prePredict) {
      const answer = await this.#ask(plugin, 'prePredict', () => plugin.prePredict?.(cycle, clusters));
      if (answer?.code === 'Skip') return false;
      if (!isSuccess(answer)) throw objection(plugin, 'prePredict', answer);
    }
    return this.#plugins.predict.length > 0;
  }

  /** The smallest prediction of all plugins for each cluster. */
  async predict(cycle: Cycle, clusters: readonly ClusterInfo[]): Promise<Predictions> {
    const result: Predictions = { replicas: new Map(), rejected: new Map() };
    const waits: Promise<unknown>[] = [];
    for (const { plugin } of this.#plugins.predict) {
      const answers = clusters.map((info) =>
        this.#ask(plugin, 'predict', () => plugin.predict?.(cycle, info) ?? { code: 'Skip' as const }),
      );
      for (const [i, answer] of (await settled(answers)).entries()) {
        const key = clusters[i]?.key ?? '';
        if ('replicas' in answer) result.replicas.set(key, smallest(result.replicas.get(key), answer.replicas));
        else if (answer.code === 'Wait') waits.push(answer.until ?? Promise.resolve());
        else if (answer.code !== 'Success' && answer.code !== 'Skip')
          result.rejected.set(key, { ...answer, plugin: plugin.name });
      }
    }
    if (waits.length > 0) result.until = Promise.allSettled(waits);
    return result;
  }

  /** Sums of the weighted scores per cluster. */
  async score(cycle: Cycle, clusters: readonly ClusterInfo[]): Promise<Map<string, number>> {
    const skipped = new Set<string>();
    for (const { plugin } of this.#plugins.preScore) {
      const answer = await this.#ask(plugin, 'preScore', () => plugin.preScore?.(cycle, clusters));
      if (answer?.code === 'Skip') skipped.add(plugin.name);
      else if (!isSuccess(answer)) throw objection(plugin, 'preScore', answer);
    }
    const totals = new Map(clusters.map(({ key }) => [key, 0]));
    for (const { plugin, weight } of this.#plugins.score) {
      if (skipped.has(plugin.name)) continue;
      for (const { cluster, score } of await this.#scoresOf(plugin, cycle, clusters)) {
        totals.set(cluster, (totals.get(cluster) ?? 0) + score * weight);
      }
    }
    return totals;
  }

  /** Divides by the first plugin that does not skip; undefined when all do. */
  async assign(cycle: Cycle, clusters: readonly FeasibleCluster[]): Promise<TargetClusters | PluginStatus | undefined> {
    for (const { plugin } of this.#plugins.preAssign) {
      const answer = await this.#ask(plugin, 'preAssign', () => plugin.preAssign?.(cycle, clusters));
      if (!isSuccess(answer) && answer?.code !== 'Skip') return { ...answer, plugin: plugin.name } as PluginStatus;
    }
    for (const { plugin } of this.#plugins.assign) {
      const answer = await this.#ask(plugin, 'assign', () => plugin.assign?.(cycle, clusters) ?? { code: 'Skip' as const });
      if ('bindingClusters' in answer) return answer;
      if (answer.code !== 'Skip') return { ...answer, plugin: plugin.name };
    }
    return undefined;
  }

  async postAssign(cycle: Cycle, targets: TargetClusters): Promise<PluginStatus | undefined> {
    return this.#first('postAssign', (plugin) => plugin.postAssign?.(cycle, targets));
  }

  /** Sets aside, in order; on the first objection everything is given back. */
  async reserve(cycle: Cycle, targets: TargetClusters): Promise<PluginStatus | undefined> {
    try {
      const refused = await this.#first('reserve', (plugin) => plugin.reserve?.(cycle, targets));
      if (refused) this.unreserve(cycle, targets);
      return refused;
    } catch (error) {
      this.unreserve(cycle, targets);
      throw error;
    }
  }

  unreserve(cycle: Cycle, targets: TargetClusters): void {
    for (const { plugin } of this.#plugins.reserve.toReversed()) {
      void this.#guard.call({ plugin: plugin.name, point: 'reserve' }, () => plugin.unreserve?.(cycle, targets));
    }
  }

  /** The plugins that hold the binding back, each with its time limit; or the objection of one. */
  async permit(cycle: Cycle, targets: TargetClusters): Promise<{ refused?: PluginStatus; waits: Map<string, number> }> {
    const waits = new Map<string, number>();
    for (const { plugin } of this.#plugins.permit) {
      const answer = await this.#guard.call({ plugin: plugin.name, point: 'permit' }, () => plugin.permit?.(cycle, targets));
      if (answer?.code === 'Error') throw objection(plugin, 'permit', answer);
      if (answer?.code === 'Wait') waits.set(plugin.name, Math.min(answer.timeoutMs ?? LONGEST_PERMIT_MS, LONGEST_PERMIT_MS));
      else if (answer && !isSuccess(answer)) return { refused: { ...answer, plugin: plugin.name }, waits };
    }
    return { waits };
  }

  /** PreBind, Bind and PostBind. */
  async bind(cycle: Cycle, targets: TargetClusters): Promise<PluginStatus | undefined> {
    const refused = await this.#first('preBind', (plugin) => plugin.preBind?.(cycle, targets));
    if (refused) return refused;
    let bound = false;
    for (const { plugin } of this.#plugins.bind) {
      const answer = await this.#ask(plugin, 'bind', () => plugin.bind?.(cycle, targets));
      if (answer?.code === 'Skip') continue;
      if (!isSuccess(answer)) return { ...answer, plugin: plugin.name } as PluginStatus;
      bound = true;
      break;
    }
    if (!bound)
      return { code: 'Error', reasons: ['every bind plugin skipped the Subscription'], plugin: this.at('bind').join(', ') };
    for (const { plugin } of this.#plugins.postBind) {
      await this.#guard.call({ plugin: plugin.name, point: 'postBind' }, () => plugin.postBind?.(cycle, targets));
    }
    return undefined;
  }

  #judge(cycle: Cycle, info: ClusterInfo, plugins: readonly ActivePlugin[]): MaybePromise<ClusterVerdict> {
    const verdict: ClusterVerdict = { info, frozen: false, recheckAfterMs: Infinity };
    for (const [i, { plugin }] of plugins.entries()) {
      const answer = this.#ask(plugin, 'filter', () => plugin.filter?.(cycle, info));
      if (isPromise(answer)) return this.#judgeLater(cycle, { plugins: plugins.slice(i), verdict, answer });
      if (!take(verdict, plugin, answer)) break;
    }
    return verdict;
  }

  async #judgeLater(
    cycle: Cycle,
    { plugins, verdict, answer }: { plugins: readonly ActivePlugin[]; verdict: ClusterVerdict; answer: Promise<Answer> },
  ): Promise<ClusterVerdict> {
    let pending: MaybePromise<Answer> = answer;
    for (const [i, { plugin }] of plugins.entries()) {
      if (i > 0) pending = this.#ask(plugin, 'filter', () => plugin.filter?.(cycle, verdict.info));
      if (!take(verdict, plugin, await pending)) break;
    }
    return verdict;
  }

  async #scoresOf(plugin: Plugin, cycle: Cycle, clusters: readonly ClusterInfo[]): Promise<ClusterScore[]> {
    const at = { plugin: plugin.name, point: 'score' } as const;
    const answers = clusters.map((info) => this.#guard.call(at, () => plugin.score?.(cycle, info) ?? 0));
    const numbers = await settled(answers);
    const scores = numbers.map((score, i) => ({ cluster: clusters[i]?.key ?? '', score }));
    await this.#ask(plugin, 'score', () => plugin.normalizeScore?.(cycle, scores));
    for (const { cluster, score } of scores) {
      if (Number.isFinite(score) && score >= 0 && score <= MAX_CLUSTER_SCORE) continue;
      const message = `the score of ${cluster} is ${score}, and has to be from 0 to ${MAX_CLUSTER_SCORE}`;
      throw new PluginError(plugin.name, 'score', { message });
    }
    return scores;
  }

  async #first(point: ExtensionPoint, run: (plugin: Plugin) => MaybePromise<Answer>): Promise<PluginStatus | undefined> {
    for (const { plugin } of this.#plugins[point]) {
      const answer = await this.#ask(plugin, point, () => run(plugin));
      if (answer && !isSuccess(answer)) return { ...answer, plugin: plugin.name };
    }
    return undefined;
  }

  /** The answer of a plugin, with `Error` thrown. */
  #ask<T extends Answer | object>(plugin: Plugin, point: ExtensionPoint, run: () => MaybePromise<T>): MaybePromise<T> {
    const check = (answer: T): T => {
      const said = answer as Answer;
      if (said && said.code === 'Error') throw objection(plugin, point, said);
      return answer;
    };
    const answer = this.#guard.call({ plugin: plugin.name, point }, run);
    return isPromise(answer) ? answer.then(check) : check(answer);
  }
}

/** A Permit plugin cannot hold a binding back for longer. */
export const LONGEST_PERMIT_MS = 15 * 60_000;

/** The answers, at once when nobody has to be waited for: that is a thousand turns less for a thousand clusters. */
function settled<T>(answers: MaybePromise<T>[]): MaybePromise<T[]> {
  return answers.some(isPromise) ? Promise.all(answers.map(async (answer) => answer)) : (answers as T[]);
}

function take(verdict: ClusterVerdict, plugin: Plugin, answer: Answer): boolean {
  if (answer === undefined) return true;
  if (!isSuccess(answer) && answer.code !== 'Skip') {
    verdict.rejected = { ...answer, plugin: plugin.name };
    verdict.recheckAfterMs = answer.recheckAfterMs ?? Infinity;
    return false;
  }
  verdict.frozen ||= answer.frozen === true;
  verdict.recheckAfterMs = Math.min(verdict.recheckAfterMs, answer.recheckAfterMs ?? Infinity);
  return true;
}

function smallest(known: FeedReplicas | undefined, said: FeedReplicas): FeedReplicas {
  if (known === undefined) return said;
  return Object.fromEntries(Object.entries(said).map(([key, count]) => [key, Math.min(count, known[key] ?? count)]));
}

function objection(plugin: Plugin, point: ExtensionPoint, answer: Answer): PluginError {
  return new PluginError(plugin.name, point, { message: (answer?.reasons ?? []).join(', ') || 'it gave no reason' });
}
