// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  apiVersionOf,
  type Base,
  type Condition,
  conditionTypes,
  type Description,
  fieldManagers,
  labels,
  resources,
  stableStringify,
  type Subscription,
} from '@clusternet/api-types';
import { isNotFound, type KubeClient, objectKey } from '@clusternet/client';
import {
  type Change,
  findCondition,
  type Informer,
  type Logger,
  type Metrics,
  setCondition,
  WorkQueue,
} from '@clusternet/runtime';
import { parse } from 'yaml';
import {
  planRollout,
  type RolloutMember,
  type RolloutPlan,
  type RolloutStrategy,
  rolloutStrategySchema,
  type StepHealth,
} from '../rollout/plan.ts';
import { type RevisionStamp, stampOf } from '../rollout/revision.ts';

/** Options of {@link Rollouts}. */
export interface RolloutsOptions {
  client: Pick<KubeClient, 'resource'>;
  subscriptions: Pick<Informer<Subscription>, 'onChange'>;
  /** Name and labels of the cluster in a dedicated namespace. */
  clusterOf: (namespace: string) => { name: string; labels: Record<string, string> | undefined };
  /** Wakes Bases, by key. */
  wake: (bases: readonly string[]) => void;
  logger: Logger;
  metrics?: Metrics;
  signal?: AbortSignal;
  now: () => Date;
  quietMs?: number;
}

interface Member {
  namespace: string;
  assessed?: { inputs: string; outdated: boolean };
  generation?: number;
  healthySince?: number;
  problem?: { message: string; since: number };
  /** Found so at the start, and unchanged since. */
  inherited?: boolean;
}

/** Condition that remembers since when the last step that has a change has been healthy, or has not. */
const stepHealthy = 'RolloutStepHealthy';

/** Whether a Base may be written, and when to ask again. */
export type Gate = { open: true } | { open: false; askAgainAfterMs: number };

/** How long a Base that has to wait sleeps at most: what it waits for wakes it. */
const longWaitMs = 15_000;

/**
 * Staged rollouts: which Bases of a Subscription may get a change now, from its annotations and from how the others do. After a restart every Base is
 * looked at again, and until then none of a later step is written; since when a step has been healthy, or has not, is kept in a condition.
 */
export class Rollouts {
  readonly #o: RolloutsOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  /** By uid of the Subscription, then by key of the Base. */
  readonly #members = new Map<string, Map<string, Member>>();
  /** Newest revision of each Subscription. */
  readonly #newest = new Map<string, RevisionStamp>();
  readonly #inputs = new Map<string, string>();
  readonly #queue: WorkQueue;
  readonly #stop: () => void;

  constructor(options: RolloutsOptions) {
    this.#o = options;
    const { logger, metrics, signal } = options;
    this.#queue = new WorkQueue({
      name: 'rollouts',
      workers: 2,
      quietMs: options.quietMs ?? 300,
      maxQuietMs: 1000,
      reconcile: (uid, context) => this.#tell(uid, context.signal),
      logger,
      metrics,
      signal,
    });
    this.#stop = options.subscriptions.onChange((change) => this.#changed(change));
  }

  start(): void {
    this.#queue.start();
  }

  idle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#queue.close();
  }

  /** An annotation of the Subscription of a Base. */
  annotation(base: Base, key: string): string | undefined {
    return this.#subscriptions.get(uidOf(base))?.metadata.annotations?.[key];
  }

  /** Takes over how a Base does, from its Descriptions. */
  observe(
    key: string,
    base: Base,
    { descriptions, problem }: { descriptions: readonly Description[]; problem: string | undefined },
  ): void {
    const uid = uidOf(base);
    const member = this.#memberOf(uid, key, base);
    const now = this.#o.now().getTime();
    const generation = descriptions.reduce((sum, { metadata }) => sum + (metadata.generation ?? 0), 0);
    const fresh = member.generation !== generation;
    const first = member.generation === undefined && descriptions.length > 0;
    member.generation = generation;
    const before = member.healthySince !== undefined;
    if (problem === undefined && descriptions.length > 0) {
      if (fresh) delete member.healthySince;
      member.healthySince ??= now;
      delete member.problem;
    } else {
      delete member.healthySince;
      member.problem = {
        message: problem ?? 'nothing is deployed yet',
        since: fresh || !member.problem ? now : member.problem.since,
      };
    }
    member.inherited = first || (member.inherited === true && !fresh && before === (member.healthySince !== undefined));
    for (const description of descriptions) {
      const stamp = stampOf(description);
      if (stamp && stamp.number > (this.#newest.get(uid)?.number ?? 0)) this.#newest.set(uid, stamp);
    }
    if (before !== (member.healthySince !== undefined) || fresh) this.#wakeOthers(uid, key);
  }

  /** Forgets a Base that is gone. */
  forget(key: string, base: Base): void {
    const uid = uidOf(base);
    this.#members.get(uid)?.delete(key);
    if (this.#members.get(uid)?.size === 0) {
      this.#members.delete(uid);
      this.#newest.delete(uid);
      this.#inputs.delete(uid);
    } else this.#wakeOthers(uid, key);
  }

  /**
   * Whether a Base may get what was rendered for it.
   *
   * @param inputs hash of all that the Subscription is rendered from now
   */
  gate(key: string, base: Base, { inputs, outdated }: { inputs: string; outdated: boolean }): Gate {
    const uid = uidOf(base);
    const member = this.#memberOf(uid, key, base);
    const before = member.assessed;
    member.assessed = { inputs, outdated };
    this.#inputs.set(uid, inputs);
    if (!this.#isStaged(uid)) return { open: true };
    if (before?.inputs !== inputs || before.outdated !== outdated) this.#wakeOthers(uid, key);
    if (!outdated) return { open: true };
    const plan = this.#plan(uid);
    if (!plan || plan.open.has(member.namespace)) return { open: true };
    this.#wakeStale(uid, inputs);
    return { open: false, askAgainAfterMs: Math.min(longWaitMs, Math.max(100, plan.checkAgainAfterMs ?? longWaitMs)) };
  }

  /** A Base was written as it was rendered. */
  wrote(key: string, base: Base, inputs: string): void {
    const uid = uidOf(base);
    const member = this.#memberOf(uid, key, base);
    member.assessed = { inputs, outdated: false };
    // Health from before the write is not that of the change.
    delete member.healthySince;
    member.inherited = false;
    member.problem = { message: 'not applied yet', since: this.#o.now().getTime() };
    if (this.#isStaged(uid)) this.#queue.add(uid);
  }

  /** Number for what is rendered from these inputs: a new one when they are new to the Subscription. */
  revisionFor(base: Base, { inputs, current }: { inputs: string; current: RevisionStamp | undefined }): RevisionStamp {
    const uid = uidOf(base);
    const newest = this.#newest.get(uid);
    // A cluster can get something else from the same inputs, by its labels.
    if (newest?.inputs === inputs && newest.number !== current?.number) return newest;
    const next = { number: (newest?.number ?? 0) + 1, inputs };
    this.#newest.set(uid, next);
    return next;
  }

  #isStaged(uid: string): boolean {
    const metadata = this.#subscriptions.get(uid)?.metadata;
    return (
      metadata?.annotations?.[annotations.rollout] !== undefined || metadata?.annotations?.[annotations.rolloutPaused] === 'true'
    );
  }

  #plan(uid: string): RolloutPlan | undefined {
    const subscription = this.#subscriptions.get(uid);
    const inputs = this.#inputs.get(uid);
    if (!subscription || inputs === undefined || !this.#isStaged(uid)) return undefined;
    const strategy = strategyOf(subscription);
    if (strategy instanceof Error) return { state: 'InvalidStrategy', message: strategy.message, open: new Set() };
    const members = [...(this.#members.get(uid)?.values() ?? [])].map((member): RolloutMember => {
      const { name, labels } = this.#o.clusterOf(member.namespace);
      const { assessed, healthySince, problem, inherited = false } = member;
      return {
        key: member.namespace,
        name,
        labels,
        assessed,
        healthySince,
        inherited,
        ...(problem ? { problem: { ...problem, message: `${name}: ${problem.message}` } } : {}),
      };
    });
    const named = subscription.metadata.annotations ?? {};
    return planRollout({
      strategy,
      members,
      inputs,
      paused: named[annotations.rolloutPaused] === 'true',
      approved: named[annotations.rolloutApproved],
      remembered: rememberedOf(subscription, inputs),
      now: this.#o.now().getTime(),
    });
  }

  #changed({ type, object, previous }: Change<Subscription>): void {
    const { uid = '' } = object.metadata;
    if (type === 'deleted') this.#subscriptions.delete(uid);
    else this.#subscriptions.set(uid, object);
    const relevant = (subscription: Subscription | undefined): string =>
      JSON.stringify(
        [annotations.rollout, annotations.rolloutPaused, annotations.rolloutApproved, annotations.rolloutUndo].map(
          (key) => subscription?.metadata.annotations?.[key],
        ),
      );
    if (type === 'deleted' || relevant(object) === relevant(previous)) return;
    this.#o.wake([...(this.#members.get(uid)?.keys() ?? [])]);
    this.#queue.add(uid);
  }

  #memberOf(uid: string, key: string, { metadata: { namespace = '' } }: Base): Member {
    const members = this.#members.get(uid) ?? new Map<string, Member>();
    const member = members.get(key) ?? { namespace };
    this.#members.set(uid, members.set(key, member));
    return member;
  }

  #wakeOthers(uid: string, key: string): void {
    if (!this.#isStaged(uid)) return;
    const waiting = [...(this.#members.get(uid) ?? [])].filter(([other, { assessed }]) => other !== key && assessed?.outdated);
    this.#o.wake(waiting.map(([other]) => other));
    this.#queue.add(uid);
  }

  /** Has those looked at again that were rendered from something else. */
  #wakeStale(uid: string, inputs: string): void {
    const stale = [...(this.#members.get(uid) ?? [])].filter(([, { assessed }]) => assessed?.inputs !== inputs);
    this.#o.wake(stale.map(([key]) => key));
  }

  /** Writes the condition `RolledOut`, or takes it away when the rollout is staged no longer. */
  async #tell(uid: string, signal: AbortSignal): Promise<{ requeueAfterMs: number } | undefined> {
    const subscription = this.#subscriptions.get(uid);
    if (!subscription || subscription.metadata.deletionTimestamp !== undefined) return undefined;
    const current = findCondition(subscription.status?.conditions, conditionTypes.rolledOut);
    const plan = this.#plan(uid);
    if (!plan && (this.#isStaged(uid) || !current)) return undefined;
    const before = findCondition(subscription.status?.conditions, stepHealthy);
    const { conditions } = plan
      ? setCondition(current ? [current] : [], conditionOf(plan, subscription), this.#o.now())
      : { conditions: [] as Condition[] };
    const health = plan?.health ? healthCondition(plan.health, this.#inputs.get(uid) ?? '') : before;
    const wanted = plan && health ? [...conditions, health] : conditions;
    const present = [current, before].filter((condition) => condition !== undefined);
    if (stableStringify(wanted) !== stableStringify(present)) await this.#write(subscription, wanted, signal);
    return plan?.checkAgainAfterMs === undefined
      ? undefined
      : { requeueAfterMs: Math.min(longWaitMs, plan.checkAgainAfterMs + 100) };
  }

  async #write({ metadata: { name, namespace } }: Subscription, conditions: Condition[], signal: AbortSignal): Promise<void> {
    const body = {
      apiVersion: apiVersionOf(resources.subscriptions),
      kind: resources.subscriptions.kind,
      metadata: { name, namespace },
      status: { conditions },
    };
    try {
      await this.#o.client
        .resource(resources.subscriptions)
        .apply(body, { fieldManager: fieldManagers.overrideEngine, force: true, subresource: 'status', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** A Subscription as far as rollouts look at it. */
export function onlyRollout({ apiVersion, kind, metadata, status }: Subscription): Subscription {
  const { name, namespace, uid, resourceVersion, generation, deletionTimestamp, annotations } = metadata;
  const conditions = [conditionTypes.rolledOut, stepHealthy].flatMap((type) => findCondition(status?.conditions, type) ?? []);
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion, generation, deletionTimestamp, annotations },
    spec: { subscribers: [], feeds: [] },
    status: { conditions },
  };
}

/** The strategy that a Subscription asks for; an error when it cannot be understood. */
export function strategyOf(subscription: Subscription): RolloutStrategy | undefined | Error {
  const text = subscription.metadata.annotations?.[annotations.rollout];
  if (text === undefined) return undefined;
  try {
    const result = rolloutStrategySchema.safeParse(parse(text, { prettyErrors: false }));
    if (result.success) return result.data;
    const issues = result.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
    return new Error(
      `annotation ${annotations.rollout} of ${objectKey(subscription)}: ${issues.join('; ')}; nothing is changed until it is right`,
    );
  } catch {
    return new Error(
      `annotation ${annotations.rollout} of ${objectKey(subscription)} is no JSON or YAML; nothing is changed until it is right`,
    );
  }
}

function conditionOf(
  { state, message }: RolloutPlan,
  { metadata: { generation } }: Subscription,
): Omit<Condition, 'lastTransitionTime'> {
  return {
    type: conditionTypes.rolledOut,
    status: state === 'Complete' ? 'True' : 'False',
    reason: state,
    message,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

function healthCondition({ step, healthy, since }: StepHealth, inputs: string): Condition {
  return {
    type: stepHealthy,
    status: healthy ? 'True' : 'False',
    reason: healthy ? 'Healthy' : 'NotHealthy',
    message: `step ${step} of change ${inputs}`,
    // Whole seconds, and none too many.
    lastTransitionTime: new Date(Math.ceil(since / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
  };
}

/** What an earlier engine found out of these inputs. */
function rememberedOf({ status }: Subscription, inputs: string): StepHealth | undefined {
  const condition = findCondition(status?.conditions, stepHealthy);
  const [, step, change] = /^step (\d+) of change ([0-9a-f]*)$/.exec(condition?.message ?? '') ?? [];
  const since = Date.parse(String(condition?.lastTransitionTime ?? ''));
  if (!condition || change !== inputs || Number.isNaN(since)) return undefined;
  return { step: Number(step), healthy: condition.status === 'True', since };
}

function uidOf({ metadata }: Base): string {
  return metadata.labels?.[labels.subsUid] ?? '';
}
