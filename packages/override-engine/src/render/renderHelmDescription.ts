// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import {
  annotations,
  type Description,
  type DescriptionSpec,
  type Feed,
  feedKey,
  groups,
  type HelmChart,
  helmReleaseName,
  type SkippedFeed,
  skipReasons,
  stableStringify,
} from '@clusternet/api-types';
import { type Override } from '../overrides/applyOverride.ts';
import { OverrideError } from '../overrides/overrideError.ts';
import { hashOf, missing, outcomeOf, type OverrideOutcome, overrideProblem, undoneMessage } from './renderFeed.ts';
import { chartFeed, objectsOfContent } from '../rollout/revision.ts';
import { type CommonInput } from './renderInput.ts';
import { readRenderedFrom, writeRenderedFrom } from './renderedFrom.ts';
import { renderHelm } from '../overrides/renderHelm.ts';
import { descriptionOf } from './descriptionOf.ts';
import { maxShardBytes } from './shards.ts';

/** Everything that the Helm Description of a Base depends on. */
export interface RenderHelmInput extends CommonInput {
  /** The HelmChart that a feed names. */
  chartOf: (feed: Feed) => HelmChart | undefined;
  /** Bytes of all charts together, for tests. */
  limit?: number;
}

/** What the Helm Description of a Base should be. */
export interface HelmRendering {
  /** Undefined when the Base feeds no chart. */
  description: Description | undefined;
  /** The one that is there although no chart is fed any longer. */
  surplus: Description | undefined;
  /** Problems that were not there before, but for those that pass within seconds. */
  newlySkipped: SkippedFeed[];
  /** What became of each override of the feeds. */
  outcomes: (OverrideOutcome & { feed: Feed })[];
}

/** One chart as the Description carries it. */
interface Entry {
  chart: { namespace: string; name: string };
  chartRaw: string;
  raw: string;
}

type Result = (Entry | (Pick<SkippedFeed, 'reason' | 'message'> & { keep: boolean })) & {
  outcomes?: OverrideOutcome[];
  /** Hash to be remembered with what is deployed. */
  from?: string;
};

/** Whether a feed is a chart, and not an object that is applied as it is. */
export function isChartFeed({ apiVersion, kind }: Pick<Feed, 'apiVersion' | 'kind'>): boolean {
  return kind === 'HelmChart' && (apiVersion ?? '').startsWith(`${groups.apps}/`);
}

/** Name of the Helm Description of a Base. */
export function helmDescriptionName(base: string): string {
  return `${base}-helm`;
}

/**
 * Renders the chart feeds of a Base into its Helm Description.
 *
 * @remarks
 * - Every cluster gets the exact version that the hub found for the HelmChart; only an override of `version` or `repo` leaves that.
 * - A chart that cannot be rendered is listed in `skipped`, and the others go on. What was deployed before stays when the new state cannot be
 *   had (not found, not looked at yet, a bad override, too large), and when the HelmCharts of all feeds vanish at once. What is deployed comes
 *   first when there is not room for all.
 * - Whose credentials are sent where is nobody's to override: `chartPullSecret` stays that of the HelmChart, and is left out for another repository.
 */
export function renderHelmDescription(input: RenderHelmInput): HelmRendering {
  const { base, previous, now, limit = maxShardBytes } = input;
  const name = helmDescriptionName(base.metadata.name);
  const current = previous.find(({ metadata }) => metadata.name === name);
  const deployed = entriesOf(current?.spec);
  const listed = new Map((base.spec.feeds ?? []).filter(isChartFeed).map((feed) => [feedKey(feed), feed]));
  const feeds = new Map([...listed].filter(([key]) => input.undone?.without[key] === undefined));
  const returned = returnedEntries(input, deployed);
  if (listed.size === 0 && returned.length === 0) {
    const surplus = current?.metadata.deletionTimestamp === undefined ? current : undefined;
    return { description: undefined, surplus, newlySkipped: [], outcomes: [] };
  }
  const before = new Map((current?.spec.skipped ?? []).map((entry) => [problemKey(entry), entry]));
  const remembered: ReadonlyMap<string, string> = current ? readRenderedFrom(current) : new Map();
  const from = new Map<string, string>();
  const results = [...feeds].map(([key, feed]) => {
    const kept = deployed.get(`${feed.namespace ?? ''}/${feed.name}`);
    return { key, feed, kept, result: renderFeed(input, { key, feed, kept, from: remembered.get(key) }) };
  });
  const outcomes: HelmRendering['outcomes'] = [];
  const allGone = results.every(({ result }) => 'reason' in result && result.reason === skipReasons.feedNotFound);
  const entries: Entry[] = [];
  const skipped: SkippedFeed[] = [];
  const names = new Map<string, string>();
  // What is deployed has its room, whatever the others grow to.
  const holds = (feed: Feed, { reason }: Pick<SkippedFeed, 'reason'>): boolean =>
    reason === skipReasons.feedNotFound && (allGone || before.has(problemKey({ ...pick(feed), reason })));
  const mayStay = (feed: Feed, result: Result): boolean => !('reason' in result) || result.keep || holds(feed, result);
  const room = new Map(results.map(({ key, feed, kept, result }) => [key, kept && mayStay(feed, result) ? sizeOf(kept) : 0]));
  let used = [...room.values(), ...returned.map(sizeOf)].reduce((sum, size) => sum + size, 0);
  const skip = (feed: Feed, problem: Pick<SkippedFeed, 'reason' | 'message'>): void => {
    const entry = { ...pick(feed), ...problem };
    skipped.push({ ...entry, since: before.get(problemKey(entry))?.since ?? timeText(now) });
  };
  const put = (entry: Entry): void => {
    names.set(helmReleaseName(name, entry.chart), `${entry.chart.namespace}/${entry.chart.name}`);
    entries.push(entry);
  };
  /** Takes a chart in; what is wrong with it otherwise. */
  const add = (key: string, entry: Entry): (Pick<SkippedFeed, 'reason' | 'message'> & { keep: boolean }) | undefined => {
    const other = names.get(helmReleaseName(name, entry.chart));
    if (other !== undefined) {
      const message = `its HelmRelease would have the name of that of HelmChart ${other}; rename one of the two`;
      return { reason: skipReasons.invalidFeed, message, keep: false };
    }
    const reserved = room.get(key) ?? 0;
    const size = sizeOf(entry);
    // One that is deployed already may stay whatever the limit is now.
    if (size > reserved && used - reserved + size > limit) {
      const message =
        `HelmChart ${entry.chart.namespace}/${entry.chart.name} takes ${size} bytes with its values once encoded, and all charts of a ` +
        `cluster together may take ${limit}, of which others have ${used - reserved}; make the values smaller`;
      return { reason: skipReasons.tooLarge, message, keep: true };
    }
    used += size - reserved;
    room.set(key, size);
    put(entry);
    return undefined;
  };
  for (const { key, feed, kept, result } of results) {
    const refused = 'reason' in result ? result : add(key, result);
    outcomes.push(
      ...(result.outcomes ?? []).map((one) => ({ ...(refused === result ? one : tooLarge(one, refused)), feed: pick(feed) })),
    );
    const hash = refused ? kept && remembered.get(key) : 'reason' in result ? undefined : result.from;
    if (hash !== undefined) from.set(key, hash);
    if (!refused) continue;
    const { keep, reason, message } = refused;
    const problem = { reason, message };
    const held = holds(feed, problem);
    if (kept !== undefined && (keep || held)) {
      put(kept);
      // That the hub has not looked yet passes in a moment; what runs is not put in doubt for it.
      if (problem.reason === skipReasons.chartUnverified) continue;
      skip(feed, { ...problem, message: held ? heldMessage : `${problem.message}; what was deployed before stays` });
    } else skip(feed, problem);
  }
  for (const entry of returned) put(entry);
  const newlySkipped = skipped.filter((entry) => entry.reason !== skipReasons.chartUnverified && !before.has(problemKey(entry)));
  const spec = specOf(entries, skipped);
  const same = current !== undefined && stableStringify(current.spec) === stableStringify(spec);
  const description = descriptionOf(base, { name, spec: same ? current.spec : spec, annotations: writeRenderedFrom(from) });
  return { description, surplus: undefined, newlySkipped, outcomes };
}

const heldMessage =
  'the HelmCharts of all feeds vanished at once, so what was deployed stays; create the HelmChart again, or take the feed out of the Subscription to uninstall it';

function renderFeed(
  input: RenderHelmInput,
  { key, feed, kept, from }: { key: string; feed: Feed; kept: Entry | undefined; from: string | undefined },
): Result {
  const { namespace } = feed;
  if (!feed.name || !namespace) {
    return { reason: skipReasons.invalidFeed, message: 'a HelmChart feed needs name and namespace', keep: false };
  }
  const other = input.ownedBy?.(key);
  if (other !== undefined) {
    const message = `Base ${other} of the same cluster has this feed already; remove it there or here`;
    return { reason: skipReasons.ownedByOther, message, keep: false };
  }
  const chart = input.chartOf(feed);
  const back = entryOf(input.undo?.content.get(key), { namespace, name: feed.name });
  if (back) {
    const outcomes = (input.overridesOf?.(feed) ?? []).map((override): OverrideOutcome => {
      return { override, state: 'waiting', message: undoneMessage };
    });
    return { ...back, outcomes, from: chartHash(input, feed) };
  }
  if (chart === undefined && kept !== undefined && from === missing) return { ...kept, from };
  if (chart === undefined) {
    const message = 'there is no HelmChart of this name and namespace; it is deployed once there is one';
    return { reason: skipReasons.feedNotFound, message, keep: false };
  }
  const { status, metadata } = chart;
  const isCurrent = status?.version !== undefined && status.observedGeneration === metadata.generation;
  if (!isCurrent && status?.phase === 'NotFound') {
    return { reason: skipReasons.chartNotFound, message: status.reason || 'the chart was not found', keep: true };
  }
  if (!isCurrent) {
    return { reason: skipReasons.chartUnverified, message: 'the hub has not looked for the chart yet', keep: true };
  }
  return withOverrides(chart, { overrides: input.overridesOf?.(feed) ?? [], kept, from });
}

/** Charts that an undo has deployed although they are fed no longer. */
function returnedEntries({ undone, undo }: RenderHelmInput, deployed: ReadonlyMap<string, Entry>): Entry[] {
  return (undone?.with ?? []).flatMap((key) => {
    const content = undo?.content.get(key);
    const [chart] = content === undefined ? [] : objectsOfContent(new Map([[key, content]])).values();
    const { name = '', namespace = '' } = chart?.metadata ?? {};
    const entry = undo
      ? entryOf(content, { namespace, name })
      : [...deployed.values()].find((one) => feedKey(chartFeed(one.chart.namespace, one.chart.name)) === key);
    return entry ? [entry] : [];
  });
}

/** Hash of what a chart is rendered from at once. The version that was found is no part of it: it follows from the spec. */
export function chartHash({ chartOf, overridesOf }: Pick<RenderHelmInput, 'chartOf' | 'overridesOf'>, feed: Feed): string {
  const chart = chartOf(feed);
  return chart
    ? hashOf(
        { raw: stableStringify(chart.spec) },
        (overridesOf?.(feed) ?? []).filter(({ deferred }) => !deferred),
      )
    : missing;
}

function sizeOf({ chartRaw, raw }: Entry): number {
  return chartRaw.length + raw.length;
}

/** An override of a chart that does not fit into its Description. */
function tooLarge(outcome: OverrideOutcome, refused: Pick<SkippedFeed, 'reason' | 'message'> | undefined): OverrideOutcome {
  return refused?.reason === skipReasons.tooLarge ? { ...outcome, state: 'failed', message: refused.message } : outcome;
}

/** Overrides of policy ApplyLater must not be the cause of a change; see `renderWithOverrides`, which does the same for plain objects. */
function withOverrides(
  chart: HelmChart,
  o: { overrides: readonly Override[]; kept: Entry | undefined; from: string | undefined },
): Result {
  const { overrides, kept, from } = o;
  const { name, namespace = '' } = chart.metadata;
  const eager = overrides.filter(({ deferred }) => deferred !== true);
  const deferred = overrides.length > eager.length;
  const hash = deferred || from !== undefined ? hashOf({ raw: stableStringify(chart.spec) }, eager) : undefined;
  const same = (entry: Entry): boolean => entry.chartRaw === kept?.chartRaw && entry.raw === kept.raw;
  const attempt = (list: readonly Override[]): { entry?: Entry; error?: OverrideError } => {
    try {
      return { entry: { chart: { namespace, name }, ...encode(chart, list) } };
    } catch (error) {
      if (error instanceof OverrideError) return { error };
      throw error;
    }
  };
  const all = attempt(overrides);
  const without = from === undefined && deferred && kept !== undefined ? attempt(eager).entry : undefined;
  const waits = kept !== undefined && (from !== undefined ? from === hash : without !== undefined && same(without));
  if (kept !== undefined && waits) {
    const done = all.entry !== undefined && same(all.entry);
    const outcomes = overrides.map((override): OverrideOutcome =>
      all.error
        ? outcomeOf(override, all.error)
        : { override, state: done || override.deferred !== true ? 'applied' : 'waiting' },
    );
    return { ...kept, outcomes, ...(from === undefined ? {} : { from }) };
  }
  const outcomes = overrides.map((override) => outcomeOf(override, all.error));
  if (all.entry === undefined) {
    const { reason, message } = all.error ? overrideProblem(all.error) : { reason: skipReasons.overrideFailed, message: '' };
    return { reason, message, keep: true, outcomes };
  }
  return { ...all.entry, outcomes, ...(deferred && hash !== undefined ? { from: hash } : {}) };
}

function encode(source: HelmChart, overrides: readonly Override[]): Pick<Entry, 'chartRaw' | 'raw'> {
  const { chart, values } = renderHelm({ chart: source, overrides });
  const { spec, status } = source;
  const elsewhere = chart.spec.repo !== spec.repo;
  const asFound = !elsewhere && chart.spec.version === spec.version;
  const { chartPullSecret, ...rest } = { ...chart.spec, chartPullSecret: elsewhere ? undefined : spec.chartPullSecret };
  const notes = Object.entries(chart.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.includes(key));
  const digest: Record<string, string> = asFound && status?.digest ? { [annotations.chartDigest]: status.digest } : {};
  const rendered: HelmChart = {
    ...chart,
    metadata: { ...chart.metadata, annotations: { ...Object.fromEntries(notes), ...digest } },
    spec: {
      ...rest,
      ...(asFound ? { version: status?.version } : {}),
      ...(chartPullSecret ? { chartPullSecret } : {}),
    },
  };
  return { chartRaw: base64(stableStringify(rendered)), raw: base64(values === undefined ? ' ' : stableStringify(values)) };
}

/** Annotations that mean nothing in a cluster, or something that only the hub may say. */
const ownAnnotations: readonly string[] = ['kubectl.kubernetes.io/last-applied-configuration', annotations.chartDigest];

function specOf(entries: readonly Entry[], skipped: SkippedFeed[]): DescriptionSpec {
  return {
    deployer: 'Helm',
    charts: entries.map(({ chart }) => chart),
    chartRaw: entries.map(({ chartRaw }) => chartRaw),
    raw: entries.map(({ raw }) => raw),
    ...(skipped.length === 0 ? {} : { skipped }),
  };
}

function entriesOf(spec: DescriptionSpec | undefined): Map<string, Entry> {
  const { charts = [], chartRaw = [], raw = [] } = spec ?? {};
  return new Map(
    charts.flatMap((chart, index) => {
      const [one, values] = [chartRaw[index], raw[index]];
      return one === undefined || values === undefined
        ? []
        : [[`${chart.namespace}/${chart.name}`, { chart, chartRaw: one, raw: values }] as const];
    }),
  );
}

/** A chart as a revision keeps it. */
function entryOf(content: string | undefined, chart: Entry['chart']): Entry | undefined {
  const [chartRaw, raw] = content?.split('.') ?? [];
  return chartRaw === undefined || raw === undefined ? undefined : { chart, chartRaw, raw };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function pick({ apiVersion, kind, namespace, name }: Feed): Feed {
  return { apiVersion, kind, ...(namespace ? { namespace } : {}), name };
}

function problemKey(entry: Pick<SkippedFeed, 'reason'> & Feed): string {
  return `${entry.reason} ${feedKey(entry)}`;
}

function timeText(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
