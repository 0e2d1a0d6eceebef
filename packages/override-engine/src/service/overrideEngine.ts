// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  apiVersionOf,
  type Base,
  type Description,
  type Feed,
  feedKey,
  fieldManagers,
  finalizers,
  type Globalization,
  type HelmChart,
  type Localization,
  type ManagedCluster,
  type Manifest,
  type Subscription,
  resources,
  type SkippedFeed,
  stableStringify,
} from '@clusternet/api-types';
import {
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubeClient,
  objectKey,
  parseKey,
  type ResourceClient,
} from '@clusternet/client';
import { type Change, type EventRecorder, type Informer, type Logger, type Metrics, WorkQueue } from '@clusternet/runtime';
import { firstOf, mark, renderBase } from '../render/renderBase.ts';
import { type Rendering } from '../render/renderDescriptions.ts';
import { contentOf, type HistoryEntry, historyOf, type RevisionStamp, sameContent, stampOf } from '../rollout/revision.ts';
import { type Undo, undoneOf, undoRequestFor } from '../rollout/undo.ts';
import { isChartFeed } from '../render/renderHelmDescription.ts';
import { BaseIndex } from './baseIndex.ts';
import { baseKeyOf, LatestDescriptions } from './latestDescriptions.ts';
import { ManifestIndex } from './manifestIndex.ts';
import { OverrideIndex, type OverrideChange } from './overrideIndex.ts';
import { OverrideReporter } from './overrideReporter.ts';
import { inputsOf } from './inputs.ts';
import { RevisionStore } from './revisionStore.ts';
import { Rollouts } from './rollouts.ts';

/** Options of {@link OverrideEngine}. */
export interface OverrideEngineOptions {
  client: Pick<KubeClient, 'resource'>;
  /** Where Manifests and earlier revisions are kept. */
  reservedNamespace: string;
  bases: Pick<Informer<Base>, 'get' | 'onChange' | 'waitForSync'>;
  /** Of the reserved namespace only. */
  manifests: Pick<Informer<Manifest>, 'onChange' | 'waitForSync'>;
  localizations: Pick<Informer<Localization>, 'get' | 'onChange' | 'waitForSync'>;
  globalizations: Pick<Informer<Globalization>, 'get' | 'onChange' | 'waitForSync'>;
  subscriptions: Pick<Informer<Subscription>, 'onChange' | 'waitForSync'>;
  /** Revisions kept per Base, for `rollout undo`; 0 keeps none. */
  historyLimit: number;
  /** With their labels. */
  clusters: Pick<Informer<ManagedCluster>, 'onChange' | 'waitForSync'>;
  /** Of all namespaces. */
  charts: Pick<Informer<HelmChart>, 'get' | 'onChange' | 'waitForSync'>;
  /** With the index `byBase`. */
  descriptions: Pick<Informer<Description>, 'byIndex' | 'list' | 'onChange' | 'waitForSync'>;
  recorder: Pick<EventRecorder, 'event'>;
  logger: Logger;
  metrics?: Metrics;
  /** The leadership under which Descriptions are written. */
  signal?: AbortSignal;
  now?: () => Date;
  /** For tests: see {@link OverrideReporter}. */
  reportQuietMs?: number;
}

/** How long a Base that goes waits for those that take its objects over; a cluster where they cannot must not keep it. */
const heirPatienceMs = 3_000;

/** Between the end of a change and a look at which revisions are needed no longer. */
const sweepDelayMs = 60_000;

/** Tries of one write whose object changed meanwhile. */
const maxTries = 4;

/**
 * Keeps the Descriptions of every Base rendered. All writes for one Base come from one queue, and only what differs is
 * written: creating costs one write per Base, a burst of edits one or two.
 */
export class OverrideEngine {
  readonly #o: OverrideEngineOptions;
  readonly #manifests = new ManifestIndex();
  readonly #bases = new BaseIndex();
  readonly #overrides = new OverrideIndex();
  readonly #reporter: OverrideReporter;
  readonly #rollouts: Rollouts;
  readonly #revisions: RevisionStore;
  readonly #sweeps: WorkQueue;
  readonly #latest: LatestDescriptions;
  /** Since when a Base that is being deleted waits for its heirs. */
  readonly #leaving = new Map<string, number>();
  readonly #queue: WorkQueue;
  readonly #stops: (() => void)[];
  readonly #now: () => Date;

  constructor(options: OverrideEngineOptions) {
    const { logger, metrics, signal } = options;
    this.#o = options;
    this.#now = options.now ?? (() => new Date());
    this.#latest = new LatestDescriptions(options.descriptions);
    this.#queue = new WorkQueue({
      name: 'bases',
      workers: 16,
      // Edits of feeds come in bursts; each burst is one write per Base.
      quietMs: 60,
      maxQuietMs: 600,
      reconcile: (key, context) => this.#reconcile(key, context.signal),
      logger,
      metrics,
      signal,
    });
    this.#revisions = new RevisionStore({
      client: options.client,
      namespace: options.reservedNamespace,
      limit: options.historyLimit,
      logger,
      now: this.#now,
    });
    this.#sweeps = new WorkQueue({
      name: 'revisions',
      quietMs: sweepDelayMs,
      reconcile: (_, context) => this.#revisions.sweep(this.#listedRevisions(), context.signal),
      logger,
      metrics,
      signal,
    });
    this.#rollouts = new Rollouts({
      ...options,
      now: this.#now,
      quietMs: options.reportQuietMs,
      clusterOf: (namespace) => this.#overrides.clusterOf(namespace),
      wake: (bases) => bases.forEach((base) => this.#queue.add(base)),
    });
    this.#reporter = new OverrideReporter({
      ...options,
      now: this.#now,
      quietMs: options.reportQuietMs,
      exists: (feed) => (isChartFeed(feed) ? this.#chartOf(feed) : this.#manifests.find(feed)) !== undefined,
    });
    this.#stops = [
      options.clusters.onChange((change) => this.#overridesChanged(this.#overrides.setCluster(change))),
      options.globalizations.onChange((change) => this.#overrideChanged(change)),
      options.localizations.onChange((change) => this.#overrideChanged(change)),
      options.manifests.onChange((change) => this.#manifestChanged(change)),
      options.charts.onChange((change) => this.#chartChanged(change)),
      options.bases.onChange((change) => this.#baseChanged(change)),
      options.descriptions.onChange((change) => this.#descriptionChanged(change)),
    ];
  }

  /** Starts rendering once all informers are complete: a Manifest that was not listed yet must not look like one that is gone. */
  async start(signal: AbortSignal): Promise<void> {
    const { bases, manifests, charts, descriptions, localizations, globalizations, clusters, subscriptions } = this.#o;
    const all = [bases, manifests, charts, descriptions, localizations, globalizations, clusters, subscriptions];
    await Promise.all(all.map((informer) => informer.waitForSync(signal)));
    // The newest revision of a Subscription is that of whichever of its clusters.
    for (const key of this.#bases.keys()) this.#observe(key);
    this.#queue.start();
    this.#sweeps.start();
    this.#sweepSoon();
    // What a restart has not rendered yet is not to be reported as gone.
    void this.#queue.whenIdle().then(() => {
      this.#reporter.start();
      this.#rollouts.start();
    });
  }

  /** Resolves when nothing is left to render. */
  async idle(): Promise<void> {
    await this.#queue.whenIdle();
    await this.#reporter.idle();
    await this.#rollouts.idle();
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#queue.close();
    await this.#sweeps.close();
    await this.#reporter.close();
    await this.#rollouts.close();
  }

  #manifestChanged({ type, object }: Change<Manifest>): void {
    const keys = type === 'deleted' ? this.#manifests.delete(object.metadata.name) : this.#manifests.set(object);
    for (const base of new Set(keys.flatMap((key) => this.#bases.withFeed(key)))) this.#queue.add(base);
    for (const override of keys.flatMap((key) => this.#overrides.of(key))) this.#reporter.add(override);
  }

  #overrideChanged(change: Change<Globalization> | Change<Localization>): void {
    this.#reporter.add(change.object);
    this.#overridesChanged(this.#overrides.set(change));
    // The Base may have waited for it, whatever it says.
    const { namespace, ownerReferences } = change.object.metadata;
    const owner = ownerReferences?.find(({ kind }) => kind === 'Base');
    if (owner !== undefined) this.#queue.add(`${namespace ?? ''}/${owner.name}`);
  }

  /** Renders the Bases again that a change of overrides can touch, and no others. */
  #overridesChanged(changes: readonly OverrideChange[]): void {
    for (const { feed, namespace } of changes) {
      for (const base of this.#bases.withFeed(feed)) {
        if (namespace === undefined || parseKey(base).namespace === namespace) this.#queue.add(base);
      }
    }
  }

  #chartChanged({ type, object, previous }: Change<HelmChart>): void {
    if (type === 'modified' && previous !== undefined && !chartDiffers(previous, object)) return;
    const { namespace, name } = object.metadata;
    const feed = { apiVersion: apiVersionOf(resources.helmCharts), kind: resources.helmCharts.kind, namespace, name };
    for (const base of this.#bases.withFeed(feedKey(feed))) this.#queue.add(base);
    for (const override of this.#overrides.of(feedKey(feed))) this.#reporter.add(override);
  }

  #baseChanged({ type, key, object, previous }: Change<Base>): void {
    const sharing = type === 'deleted' ? this.#bases.delete(key) : this.#bases.set(object);
    if (type === 'deleted') {
      this.#reporter.report(key, []);
      this.#rollouts.forget(key, object);
      this.#sweepSoon();
    }
    if (type !== 'modified') this.#queue.add(key, { immediate: true });
    else if (previous === undefined || baseDiffers(previous, object)) this.#queue.add(key);
    // Echoes of writes that change neither feeds nor life leave the owners as they are.
    if (type !== 'modified' || previous === undefined || ownershipDiffers(previous, object)) {
      for (const other of sharing) this.#queue.add(other);
    }
  }

  #descriptionChanged(change: Change<Description>): void {
    const echo = this.#latest.seen(change);
    const base = baseKeyOf(change.object);
    if (base === undefined || echo) return;
    const { type, object, previous } = change;
    this.#observe(base);
    if (type === 'modified' && previous !== undefined && !this.#concerns(previous, object)) return;
    this.#queue.add(base, { immediate: type === 'deleted' });
  }

  /** Whether a change of a Description can change what it should be: not that of its status, which is most of them. */
  #concerns(previous: Description, next: Description): boolean {
    if (previous.metadata.generation !== next.metadata.generation) return true;
    if (stableStringify(ownedMetadata(previous)) !== stableStringify(ownedMetadata(next))) return true;
    const confirmed = previous.status?.observedGeneration !== next.status?.observedGeneration;
    return confirmed && (next.spec.raw ?? []).length === 0;
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<{ requeueAfterMs: number } | undefined> {
    const base = this.#o.bases.get(key);
    // Without its Base a Description is the garbage collector's.
    if (!base) return undefined;
    if (base.metadata.deletionTimestamp !== undefined) {
      if (this.#awaitsHeirs(key, base)) return { requeueAfterMs: 50 };
      await this.#teardown(key, base, signal);
      return undefined;
    }
    // Without its shares a cluster would get the full number of replicas. They wake the Base when they are there.
    if (this.#awaitsLocalizations(base)) return undefined;
    for (let attempt = 1; ; attempt++) {
      const previous = this.#latest.of(key);
      // The labels of a cluster that is being repaired are not known: what they decided stays.
      if (previous.length > 0 && this.#overrides.awaitsCluster(base)) return undefined;
      const undo = await this.#undo(base, previous, signal);
      const rendering = this.#render(base, { previous, undo });
      this.#reporter.report(key, rendering.outcomes);
      const writable = lasting(rendering.descriptions, previous);
      // It is done as a whole, and the end of what is on its way out wakes the Base.
      if (undo && writable.length < rendering.descriptions.length) return undefined;
      const [before, after] = [contentOf(lasting(previous, previous)), contentOf(writable)];
      const outdated = !sameContent(before, after);
      const inputs = this.#inputsOf(base);
      this.#observe(key);
      const gate = this.#rollouts.gate(key, base, { inputs, outdated });
      // To go back must not wait for what it goes back from.
      if (!gate.open && !undo) return { requeueAfterMs: gate.askAgainAfterMs };
      if (this.#o.historyLimit > 0) {
        const first = firstOf(base, previous);
        const current = stampOf(first);
        const known = historyOf(first);
        const replaced = outdated && before.size > 0 && current !== undefined;
        const history = replaced
          ? await this.#revisions.add(base, { revision: current.number, content: before, history: known, signal })
          : known;
        if (known[0]?.kept !== history[0]?.kept) this.#sweepSoon();
        const isNew = outdated || previous.length === 0;
        const stamp = isNew ? this.#rollouts.revisionFor(base, { inputs, current }) : current;
        stampWith(rendering.descriptions[0], { stamp, history });
        if (previous.length === 0) this.#markUndone(base, rendering.descriptions[0]);
      }
      if (await this.#bring(base, { rendering, previous, signal })) {
        if (outdated) this.#rollouts.wrote(key, base, inputs);
        return undefined;
      }
      if (attempt === maxTries)
        throw new Error(`the Descriptions of Base ${key} keep changing while they are written; trying again later`);
    }
  }

  #awaitsLocalizations({ metadata }: Base): boolean {
    const names = metadata.annotations?.[annotations.awaitsLocalizations]?.split(',') ?? [];
    return names.some((name) => {
      const localization = this.#o.localizations.get(`${metadata.namespace ?? ''}/${name}`);
      // One of an earlier Base of that name is on its way out.
      const owner = localization?.metadata.ownerReferences?.[0]?.uid;
      return (
        localization === undefined ||
        localization.metadata.deletionTimestamp !== undefined ||
        (owner !== undefined && owner !== metadata.uid)
      );
    });
  }

  /** Writes what differs; false when something changed meanwhile and the rendering has to be made again. */
  async #bring(
    base: Base,
    { rendering, previous, signal }: { rendering: Rendering; previous: readonly Description[]; signal: AbortSignal },
  ): Promise<boolean> {
    const { descriptions, surplus, giving } = rendering;
    const gives = ({ metadata }: Description): boolean => giving.has(metadata.name);
    // What moves is written where it goes before it leaves where it was: listed nowhere in between, it could be left over.
    for (const step of [descriptions.filter((wanted) => !gives(wanted)), descriptions.filter(gives)]) {
      const written = await allDone(
        step.map(async (wanted) => {
          if (!(await this.#write(wanted, previous, signal))) return false;
          // The first one stores what was skipped: told after that, it is told once.
          if (wanted === descriptions[0]) this.#tell(base, rendering);
          return true;
        }),
      );
      if (!written.every(Boolean)) return false;
    }
    await allDone(surplus.map((description) => this.#delete(description, signal)));
    return true;
  }

  /** Takes over how the Descriptions of a Base do. */
  #observe(key: string): void {
    const base = this.#o.bases.get(key);
    if (!base) return;
    const descriptions = this.#latest.of(key).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const [sick] = descriptions.filter(({ status }) => status?.phase !== 'Success');
    const problem = sick ? (sick.status?.reason ?? 'not applied yet') : undefined;
    this.#rollouts.observe(key, base, { descriptions, problem });
  }

  /** Hash of all that the Subscription of a Base is rendered from. */
  #inputsOf(base: Base): string {
    return inputsOf(base, {
      manifestOf: (feed) => this.#manifests.find(feed),
      chartOf: (feed) => this.#chartOf(feed),
      overridesOf: (feed) => this.#overrides.of(feedKey(feed)),
      undo: this.#rollouts.annotation(base, annotations.rolloutUndo),
    });
  }

  /** What an undo brings back, once per request. */
  async #undo(base: Base, previous: readonly Description[], signal: AbortSignal): Promise<Undo | undefined> {
    const request = undoRequestFor(this.#rollouts.annotation(base, annotations.rolloutUndo), base.metadata.namespace ?? '');
    const first = firstOf(base, previous);
    const done = undoneOf(first)?.id;
    if (!request || !first || (done !== undefined && done >= request.id)) return undefined;
    const current = stampOf(first);
    // One that has no later revision stays as it is, and also the newest change does not come after all.
    const stays = current !== undefined && current.number <= request.revision;
    const content = stays
      ? contentOf(previous)
      : await this.#revisions.find(historyOf(first), { revision: request.revision, signal });
    return { ...request, content: content ?? contentOf(previous) };
  }

  #sweepSoon(): void {
    if (this.#o.historyLimit > 0) this.#sweeps.add('all');
  }

  /** Names of the ControllerRevisions that some cluster may go back to. */
  #listedRevisions(): Set<string> {
    return new Set(
      this.#o.descriptions.list().flatMap((description) => historyOf(description).flatMap(({ kept }) => kept ?? [])),
    );
  }

  /** A cluster that joins after an undo has nothing to go back to. */
  #markUndone(base: Base, first: Description | undefined): void {
    const request = undoRequestFor(this.#rollouts.annotation(base, annotations.rolloutUndo), base.metadata.namespace ?? '');
    if (request)
      mark(first, { [annotations.undone]: stableStringify({ ...request, feeds: '', with: [], without: {}, bad: [] }) });
  }

  #render(base: Base, { previous, undo }: { previous: readonly Description[]; undo: Undo | undefined }): Rendering {
    const { name, namespace = '' } = base.metadata;
    return renderBase({
      base,
      manifestOf: (feed: Feed) => this.#manifests.find(feed),
      chartOf: (feed: Feed) => this.#chartOf(feed),
      overridesOf: (feed: Feed) => this.#overrides.select(feed, namespace),
      ownedBy: (key: string) => {
        const owner = this.#bases.ownerOf(key, namespace);
        return owner === name ? undefined : owner;
      },
      previous,
      ...(undo ? { undo } : {}),
      now: this.#now(),
    });
  }

  #chartOf(feed: Feed): HelmChart | undefined {
    const chart = isChartFeed(feed) ? this.#o.charts.get(objectKey({ namespace: feed.namespace, name: feed.name })) : undefined;
    return chart?.metadata.deletionTimestamp === undefined ? chart : undefined;
  }

  /** Brings one Description to what is wanted; false when it changed meanwhile and the rendering has to be made again. */
  async #write(wanted: Description, previous: readonly Description[], signal: AbortSignal): Promise<boolean> {
    const current = previous.find(({ metadata }) => metadata.name === wanted.metadata.name);
    // Its end wakes the Base, and then it is made anew.
    if (current?.metadata.deletionTimestamp !== undefined) return true;
    const { name, namespace } = wanted.metadata;
    try {
      if (!current) {
        this.#latest.wrote(await this.#client.create(wanted, { fieldManager: fieldManagers.overrideEngine, signal }));
      } else if (differs(current, wanted)) {
        const patch = updateOf(current, wanted);
        this.#latest.wrote(
          await this.#client.patch({ name, namespace }, patch, {
            type: 'merge',
            fieldManager: fieldManagers.overrideEngine,
            signal,
          }),
        );
      }
      return true;
    } catch (error) {
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
      await this.#reread(wanted, signal);
      return false;
    }
  }

  async #reread({ metadata: { name, namespace } }: Description, signal: AbortSignal): Promise<void> {
    const live = await this.#client.find({ name, namespace }, { signal });
    if (live) this.#latest.wrote(live);
    else this.#latest.forget(objectKey({ name, namespace }));
  }

  async #delete(description: Description, signal: AbortSignal): Promise<void> {
    if (description.metadata.deletionTimestamp !== undefined) return;
    const { name, namespace, uid } = description.metadata;
    try {
      await this.#client.delete({ name, namespace }, { propagationPolicy: 'Background', preconditions: { uid }, signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Another object took the name: that one is not ours to delete, and the informer will show it.
    }
    if (this.#latest.isAhead(objectKey(description))) await this.#reread(description, signal);
  }

  /**
   * Whether another Base is to own an object of this one and does not have it yet. It has to be written first: a deployer that finds no heir
   * deletes the object, and with a Namespace all that is in it.
   */
  #awaitsHeirs(key: string, { metadata: { namespace = '' } }: Base): boolean {
    const descriptions = this.#latest.of(key).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const awaits = [...contentOf(descriptions).keys()].some((feed) => {
      const heir = this.#bases.ownerOf(feed, namespace);
      return heir !== undefined && !contentOf(this.#latest.of(objectKey({ namespace, name: heir }))).has(feed);
    });
    const since = this.#leaving.get(key) ?? this.#now().getTime();
    if (awaits && this.#now().getTime() - since < heirPatienceMs) {
      this.#leaving.set(key, since);
      return true;
    }
    this.#leaving.delete(key);
    return false;
  }

  /** Deletes the Descriptions, waits for their deployers to take the objects away, and lets the Base go. */
  async #teardown(key: string, base: Base, signal: AbortSignal): Promise<void> {
    const descriptions = this.#latest.of(key);
    await allDone(descriptions.map((description) => this.#delete(description, signal)));
    if (this.#latest.of(key).length > 0) return;
    const rest = (base.metadata.finalizers ?? []).filter((finalizer) => finalizer !== finalizers.default);
    if (rest.length === (base.metadata.finalizers ?? []).length) return;
    const { uid, resourceVersion } = base.metadata;
    try {
      const patch = { metadata: { uid, resourceVersion, finalizers: rest } };
      await this.#o.client.resource<Base>(resources.bases).patch(parseKey(key), patch, { type: 'merge', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #tell(base: Base, { newlySkipped, newlyHeld }: Rendering): void {
    const tell = (reason: string, text: string, feeds: SkippedFeed[]): void => {
      if (feeds.length === 0) return;
      const message = `${text}: ${feeds.map((feed) => `${feedKey(feed)} (${feed.reason})`).join(', ')}`;
      this.#o.recorder.event(base, { type: 'Warning', reason, message: message.slice(0, 1000) });
    };
    tell('FeedsSkipped', 'feeds that are not rendered', newlySkipped);
    tell(
      'FeedsHeld',
      'all feeds vanished at once; what was deployed stays until its Manifest is back or the feed is taken out of the Subscription',
      newlyHeld,
    );
  }

  get #client(): ResourceClient<Description> {
    return this.#o.client.resource<Description>(resources.descriptions);
  }
}

function baseDiffers(a: Base, b: Base): boolean {
  const awaited = ({ metadata }: Base) => metadata.annotations?.[annotations.awaitsLocalizations];
  return (
    awaited(a) !== awaited(b) ||
    ownershipDiffers(a, b) ||
    stableStringify(a.metadata.labels) !== stableStringify(b.metadata.labels)
  );
}

function ownershipDiffers(a: Base, b: Base): boolean {
  return (
    a.metadata.uid !== b.metadata.uid ||
    a.metadata.deletionTimestamp !== b.metadata.deletionTimestamp ||
    stableStringify(a.spec.feeds) !== stableStringify(b.spec.feeds)
  );
}

/** Whether a change of a HelmChart can change what clusters get: not when only the hub looked at it again. */
function chartDiffers(a: HelmChart, b: HelmChart): boolean {
  const of = ({ metadata: { generation, labels, annotations, deletionTimestamp, uid }, status }: HelmChart): string =>
    stableStringify([uid, generation, labels, annotations, deletionTimestamp, status]);
  return of(a) !== of(b);
}

function differs(current: Description, wanted: Description): boolean {
  return (
    // The usual case costs nothing: a rendering keeps the very spec that is as it should be.
    (current.spec !== wanted.spec && stableStringify(specOf(current)) !== stableStringify(specOf(wanted))) ||
    Object.entries(wanted.metadata.labels ?? {}).some(([key, value]) => current.metadata.labels?.[key] !== value) ||
    stableStringify(marksOf(current)) !== stableStringify(marksOf(wanted)) ||
    current.metadata.ownerReferences?.[0]?.uid !== wanted.metadata.ownerReferences?.[0]?.uid
  );
}

function updateOf(current: Description, wanted: Description): object {
  const { labels, ownerReferences } = wanted.metadata;
  const { uid, resourceVersion } = current.metadata;
  const [before, after] = [marksOf(current), marksOf(wanted)];
  const marks = Object.fromEntries(ownMarks.map((key) => [key, after[key] ?? null]));
  const remembered = stableStringify(before) === stableStringify(after) ? {} : { annotations: marks };
  return {
    metadata: { uid, resourceVersion, labels, ownerReferences, ...remembered },
    // A merge patch takes out what it says is null.
    spec: { ...wanted.spec, removed: wanted.spec.removed ?? null, skipped: wanted.spec.skipped ?? null },
  };
}

function specOf({ spec }: Description): object {
  const { deployer, charts = [], chartRaw = [], raw = [], removed = [], skipped = [] } = spec;
  return { deployer, charts, chartRaw, raw, removed, skipped };
}

/** What of the metadata is kept as rendered. */
function ownedMetadata(description: Description): object {
  const { labels, ownerReferences } = description.metadata;
  return { labels, ownerReferences, marks: marksOf(description) };
}

/** The annotations that are ours. */
const ownMarks = [
  annotations.renderedFrom,
  annotations.undone,
  annotations.revision,
  annotations.revisionInputs,
  annotations.revisionHistory,
];

function marksOf({ metadata }: Description): Record<string, string> {
  return Object.fromEntries(
    ownMarks.flatMap((key) => {
      const value = metadata.annotations?.[key];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
}

/** Those that can be written now: one that is on its way out is made anew once it is gone, and is no change until then. */
function lasting(list: readonly Description[], previous: readonly Description[]): Description[] {
  const leaving = previous.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  return list.filter(({ metadata }) => !leaving.some((one) => one.metadata.name === metadata.name));
}

/** One that holds no revision, as it is from before there were any, gets none while it does not change. */
function stampWith(
  description: Description | undefined,
  { stamp, history }: { stamp: RevisionStamp | undefined; history: readonly HistoryEntry[] },
): void {
  if (!description || !stamp || stamp.inputs === '') return;
  mark(description, {
    [annotations.revision]: String(stamp.number),
    [annotations.revisionInputs]: stamp.inputs,
    ...(history.length > 0 ? { [annotations.revisionHistory]: JSON.stringify(history) } : {}),
  });
}

/** The results of all; the first error is thrown when none runs any longer, so that no write overtakes its own retry. */
async function allDone<T>(work: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
