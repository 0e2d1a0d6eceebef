// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Condition,
  conditionTypes,
  type Feed,
  feedKey,
  fieldManagers,
  finalizers,
  type Globalization,
  type Localization,
  resources,
} from '@clusternet/api-types';
import { isNotFound, type KubeClient, parseKey } from '@clusternet/client';
import { findCondition, type Informer, type Logger, type Metrics, setCondition, WorkQueue } from '@clusternet/runtime';
import { type OverrideOrigin } from '../overrides/overrideError.ts';
import { type OverrideOutcome } from '../render/renderFeed.ts';

type Outcome = OverrideOutcome & { feed: Feed };
type Source = Globalization | Localization;

/** Options of {@link OverrideReporter}. */
export interface OverrideReporterOptions {
  client: Pick<KubeClient, 'resource'>;
  localizations: Pick<Informer<Localization>, 'get'>;
  globalizations: Pick<Informer<Globalization>, 'get'>;
  /** Whether the object that a feed names exists. */
  exists: (feed: Feed) => boolean;
  logger: Logger;
  metrics?: Metrics;
  signal?: AbortSignal;
  now: () => Date;
  /** How long it waits for all clusters of a change, so that they are told in one write. */
  quietMs?: number;
}

/** Clusters that a message names at most. */
const maxNamed = 3;

/**
 * Tells in the status of each Globalization and Localization what became of it: condition `Applied`. One write per change, however many clusters
 * it touches; none while the condition says the same.
 */
export class OverrideReporter {
  readonly #o: OverrideReporterOptions;
  /** What the last rendering of each Base said, by the override it is about. */
  readonly #byOverride = new Map<string, Map<string, Outcome[]>>();
  readonly #byBase = new Map<string, Set<string>>();
  readonly #queue: WorkQueue;

  constructor(options: OverrideReporterOptions) {
    this.#o = options;
    const { logger, metrics, signal } = options;
    this.#queue = new WorkQueue({
      name: 'overrides',
      workers: 4,
      quietMs: options.quietMs ?? 300,
      maxQuietMs: 2000,
      reconcile: (key, context) => this.#reconcile(key, context.signal),
      logger,
      metrics,
      signal,
    });
  }

  start(): void {
    this.#queue.start();
  }

  idle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Looks at one again. */
  add(source: Source): void {
    this.#queue.add(keyOf(originOf(source)));
  }

  /** Takes over what a rendering of a Base said; nothing once the Base is gone. */
  report(base: string, outcomes: readonly Outcome[]): void {
    const grouped = new Map<string, Outcome[]>();
    for (const outcome of outcomes) {
      const { origin } = outcome.override;
      if (!origin) continue;
      const key = keyOf(origin);
      grouped.set(key, [...(grouped.get(key) ?? []), outcome]);
    }
    for (const key of this.#byBase.get(base) ?? []) {
      if (grouped.has(key)) continue;
      this.#byOverride.get(key)?.delete(base);
      if (this.#byOverride.get(key)?.size === 0) this.#byOverride.delete(key);
      this.#queue.add(key);
    }
    for (const [key, list] of grouped) {
      const bases = this.#byOverride.get(key) ?? new Map<string, Outcome[]>();
      this.#byOverride.set(key, bases.set(base, list));
      this.#queue.add(key);
    }
    if (grouped.size === 0) this.#byBase.delete(base);
    else this.#byBase.set(base, new Set(grouped.keys()));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const source = this.#find(key);
    if (!source) return;
    if (source.metadata.deletionTimestamp !== undefined) return this.#release(source, signal);
    const { name, namespace, generation } = source.metadata;
    const said = this.#conditionOf(source);
    const current = findCondition(source.status?.conditions, conditionTypes.applied);
    const wanted: Omit<Condition, 'lastTransitionTime'> = {
      type: conditionTypes.applied,
      ...said,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    const { conditions, changed } = setCondition(current ? [current] : [], wanted, this.#o.now());
    if (!changed && source.status?.observedGeneration === generation) return;
    const definition = definitionOf(source);
    const body = {
      apiVersion: apiVersionOf(definition),
      kind: definition.kind,
      metadata: { name, ...(namespace ? { namespace } : {}) },
      status: { observedGeneration: generation, conditions },
    };
    try {
      await this.#o.client
        .resource(definition)
        .apply(body, { fieldManager: fieldManagers.overrideEngine, force: true, subresource: 'status', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #conditionOf(source: Source): { status: 'True' | 'False'; reason: string; message: string } {
    const { feed, overrides = [] } = source.spec;
    if (overrides.length === 0) return { status: 'True', reason: 'NothingToApply', message: 'spec.overrides is empty' };
    if (!this.#o.exists(feed)) {
      const message = `there is no ${feedKey(feed)} to be deployed; the overrides apply once there is`;
      return { status: 'False', reason: 'FeedNotFound', message };
    }
    const bases = [...(this.#byOverride.get(keyOf(originOf(source))) ?? [])];
    const inState = (state: Outcome['state']): [string, Outcome[]][] =>
      bases.filter(([, outcomes]) => outcomes.some((outcome) => outcome.state === state));
    if (bases.length === 0) {
      const where = source.kind === 'Localization' ? 'to this cluster' : 'to a cluster that this one selects';
      return { status: 'False', reason: 'NotDeployed', message: `no Subscription deploys ${feedKey(feed)} ${where}` };
    }
    for (const [state, reason] of [
      ['failed', 'OverrideFailed'],
      ['blocked', 'Blocked'],
    ] as const) {
      const failed = inState(state);
      const message = failed[0]?.[1].find((outcome) => outcome.state === state)?.message;
      if (message !== undefined) return { status: 'False', reason, message: `${message}; in ${namesOf(failed)}`.slice(0, 8000) };
    }
    const waiting = inState('waiting');
    if (waiting.length > 0) {
      const why = waiting[0]?.[1].find(({ state, message }) => state === 'waiting' && message !== undefined)?.message;
      const message = `${why ?? 'waits for the next change of the feed or of another override of it (overridePolicy: ApplyLater)'}, in ${namesOf(waiting)}`;
      return { status: 'False', reason: 'Waiting', message };
    }
    return { status: 'True', reason: 'Applied', message: 'in effect wherever the feed is deployed' };
  }

  /** Lets go of one that the existing system has put its finalizer on. */
  async #release({ kind, metadata }: Source, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid, resourceVersion } = metadata;
    const rest = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== finalizers.default);
    if (rest.length === (metadata.finalizers ?? []).length) return;
    const patch = { metadata: { uid, resourceVersion, finalizers: rest } };
    try {
      await this.#o.client.resource(definitionOf({ kind })).patch({ name, namespace }, patch, { type: 'merge', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #find(key: string): Source | undefined {
    const at = key.indexOf(' ');
    const rest = key.slice(at + 1);
    return key.startsWith('Localization') ? this.#o.localizations.get(rest) : this.#o.globalizations.get(rest);
  }
}

function keyOf({ kind, namespace, name }: OverrideOrigin): string {
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
}

function originOf({ kind, metadata: { namespace, name } }: Source): OverrideOrigin {
  return kind === 'Localization' ? { kind: 'Localization', namespace: namespace ?? '', name } : { kind: 'Globalization', name };
}

function definitionOf({ kind }: Pick<Source, 'kind'>): typeof resources.localizations | typeof resources.globalizations {
  return kind === 'Localization' ? resources.localizations : resources.globalizations;
}

function namesOf(bases: readonly [string, Outcome[]][]): string {
  const names = bases.map(([key]) => parseKey(key).namespace ?? '').sort();
  const rest = names.length - maxNamed;
  return `${names.slice(0, maxNamed).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
