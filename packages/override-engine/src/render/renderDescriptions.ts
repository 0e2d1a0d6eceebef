// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type DescriptionSpec,
  type Feed,
  feedKey,
  type Manifest,
  type SkippedFeed,
  skipReasons,
  stableStringify,
} from '@clusternet/api-types';
import { descriptionOf } from './descriptionOf.ts';
import { encodeManifest, feedOfRaw } from './encodeManifest.ts';
import { hashOf, missing, type OverrideOutcome, overrideProblem, renderWithOverrides, undoneMessage } from './renderFeed.ts';
import { type CommonInput } from './renderInput.ts';
import { readRenderedFrom, writeRenderedFrom } from './renderedFrom.ts';
import { isChartEntry } from '../rollout/revision.ts';
import { type Undo } from '../rollout/undo.ts';
import { isChartFeed } from './renderHelmDescription.ts';
import { maxObjectBytes, type Placeable, placeInShards, shardName, shardNumber } from './shards.ts';

/** Everything that a rendering depends on. */
export interface RenderInput extends CommonInput {
  /** The Manifest that answers a feed. */
  manifestOf: (feed: Feed) => Manifest | undefined;
  /** Bytes per Description and per object, for tests; default `maxShardBytes` and `maxObjectBytes`. */
  limits?: { shard?: number; object?: number };
}

/** What the Descriptions of a Base should be. */
export interface Rendering {
  /** All that should exist, in the order of their numbers; those that are as they should be hold the spec they have. */
  descriptions: Description[];
  /** Descriptions that are empty and whose work is done. */
  surplus: Description[];
  /** Names of the Descriptions that an object leaves for another one: they are to be written after the others. */
  giving: ReadonlySet<string>;
  /** Problems that were not there before; those of {@link Rendering.newlyHeld} are not among them. */
  newlySkipped: SkippedFeed[];
  /** Feeds whose Manifests vanished together with all others, so that what was deployed stays. */
  newlyHeld: SkippedFeed[];
  /** What became of each override of the feeds. */
  outcomes: (OverrideOutcome & { feed: Feed })[];
}

interface Shard {
  description: Description;
  keys: string[];
  raw: Map<string, { feed: Feed; raw: string }>;
  /** Hashes by feed key, of what is not rendered again while they are the same. */
  from: ReadonlyMap<string, string>;
}

/**
 * Renders the feeds of a Base into Descriptions; those that are charts are left to {@link renderHelmDescription}. A Base that feeds nothing
 * else, and has not before, gets none.
 *
 * @remarks
 * - A feed that cannot be rendered is left out and listed in `skipped` of the first Description; the others go on.
 * - What was rendered before and is not any longer goes into `removed` of the Description it was in, until its
 *   `status.observedGeneration` confirms that it is gone. It is not listed while another Description of the Base has it.
 * - What is deployed stays as it is when its new state is too large, and when the Manifests of all feeds vanish at once: then each
 *   feed is held until its Manifest is back or the feed is taken out.
 * - A feed with an override that does not fit stays as it is deployed, and is skipped where it is not.
 * - Nothing differs when nothing changed: a Description whose only difference would be confirmed `removed` entries stays.
 */
export function renderDescriptions(input: RenderInput): Rendering {
  const { base, now } = input;
  const shards = readShards(base, input.previous);
  const before = new Map(input.previous.flatMap(({ spec }) => spec.skipped ?? []).map((entry) => [problemKey(entry), entry]));
  const { rendered, skipped, held, from, outcomes } = renderFeeds(input, { shards, before });
  const shardOf = new Map([...shards].flatMap(([number, { keys }]) => keys.map((key) => [key, number] as const)));
  const placed = placeInShards(rendered, { current: (key) => shardOf.get(key), limit: input.limits?.shard });
  const renderedKeys = new Set(rendered.map(({ key }) => key));
  const dated = skipped.map((entry) => ({ ...entry, since: before.get(problemKey(entry))?.since ?? timeText(now) }));

  const fresh = dated.filter((entry) => !before.has(problemKey(entry)));
  const onlyCharts =
    shards.size === 0 && placed.size === 0 && (base.spec.feeds ?? []).length > 0 && (base.spec.feeds ?? []).every(isChartFeed);
  const numbers = [...new Set([...(onlyCharts ? [] : [1]), ...shards.keys(), ...placed.keys()])].sort((a, b) => a - b);
  const giving = new Set<string>();
  const result: Rendering = {
    descriptions: [],
    surplus: [],
    giving,
    newlySkipped: fresh.filter((entry) => !held.has(feedKey(entry))),
    newlyHeld: fresh.filter((entry) => held.has(feedKey(entry))),
    outcomes,
  };
  for (const number of numbers) {
    const shard = shards.get(number);
    const objects = placed.get(number) ?? [];
    const raw = objects.map((object) => object.raw);
    const here = new Set(objects.map(({ key }) => key));
    if (shard?.keys.some((key) => renderedKeys.has(key) && !here.has(key))) giving.add(shardName(base.metadata.name, number));
    const spec = specOf({ shard, raw, renderedKeys, skipped: number === 1 ? dated : [], further: number > 1 });
    const idle = raw.length === 0 && spec.removed === undefined && (shard?.description.spec.raw ?? []).length === 0;
    if (number > 1 && shard && idle) result.surplus.push(shard.description);
    else {
      const annotations = writeRenderedFrom(new Map([...from].filter(([key]) => here.has(key))));
      result.descriptions.push(descriptionOf(base, { name: shardName(base.metadata.name, number), spec, annotations }));
    }
  }
  return result;
}

function readShards(base: Base, previous: readonly Description[]): Map<number, Shard> {
  const shards = new Map<number, Shard>();
  for (const description of previous) {
    const number = shardNumber(base.metadata.name, description.metadata.name);
    // One that is being deleted takes its objects along by itself.
    if (number === undefined || description.metadata.deletionTimestamp !== undefined) continue;
    shards.set(number, readShard(description));
  }
  return shards;
}

// Informers keep an object until it changes, so each rendering is parsed once.
const read = new WeakMap<Description, Shard>();

function readShard(description: Description): Shard {
  const known = read.get(description);
  if (known) return known;
  const raw = new Map<string, { feed: Feed; raw: string }>();
  for (const text of description.spec.raw ?? []) {
    const feed = feedOfRaw(text);
    if (feed) raw.set(feedKey(feed), { feed, raw: text });
  }
  const shard = { description, keys: [...raw.keys()], raw, from: readRenderedFrom(description) };
  read.set(description, shard);
  return shard;
}

function renderFeeds(
  input: RenderInput,
  { shards, before }: { shards: ReadonlyMap<number, Shard>; before: ReadonlyMap<string, SkippedFeed> },
): {
  rendered: Placeable[];
  skipped: SkippedFeed[];
  held: ReadonlySet<string>;
  from: ReadonlyMap<string, string>;
  outcomes: Rendering['outcomes'];
} {
  const plain = (input.base.spec.feeds ?? []).filter((feed) => !isChartFeed(feed));
  const feeds = new Map(plain.map((feed) => [feedKey(feed), feed]));
  const deployed = new Map([...shards.values()].flatMap(({ raw }) => [...raw].map(([key, entry]) => [key, entry.raw] as const)));
  const remembered = new Map([...shards.values()].flatMap((shard) => [...shard.from]));
  if (input.undo) return { ...bringBack(input, { undo: input.undo, feeds }), skipped: [], held: new Set() };
  const { undone } = input;
  const results = [...feeds].flatMap(([key, feed]) => {
    if (undone?.without[key] !== undefined) return [];
    const kept = deployed.get(key);
    const known = { key, feed, deployed: kept, from: remembered.get(key), undone: undone !== undefined };
    return [{ key, feed, kept, result: renderFeed(input, known) }];
  });
  const noneFound = results.every(({ result }) => !('raw' in result) && result.reason !== skipReasons.overrideFailed);
  const rendered: Placeable[] = [];
  const skipped: SkippedFeed[] = [];
  const held = new Set<string>();
  const from = new Map<string, string>();
  const outcomes: Rendering['outcomes'] = [];
  for (const { key, feed, kept, result } of results) {
    outcomes.push(...(result.outcomes ?? []).map((outcome) => ({ ...outcome, feed: pick(feed) })));
    if ('raw' in result) {
      rendered.push({ key, raw: result.raw });
      if (result.from !== undefined) from.set(key, result.from);
      continue;
    }
    const { reason, message } = result;
    const problem = { ...pick(feed), reason, message };
    // Only a hold leaves a feed without a Manifest deployed, and it lasts: Manifests come back one by one.
    const hold = result.reason === skipReasons.feedNotFound && (noneFound || before.has(problemKey(problem)));
    if (kept === undefined || !(hold || staysDeployed.includes(reason))) {
      skipped.push(problem);
      continue;
    }
    rendered.push({ key, raw: kept });
    const hash = remembered.get(key);
    if (hash !== undefined) from.set(key, hash);
    if (hold) held.add(key);
    skipped.push({ ...problem, message: hold ? heldMessage : `${message}; what was deployed before stays` });
  }
  for (const key of undone?.with ?? []) {
    const kept = deployed.get(key);
    if (kept !== undefined) rendered.push({ key, raw: kept });
  }
  return { rendered, skipped, held, from, outcomes };
}

/** What was rendered before, and the hashes that keep it. */
function bringBack(
  input: RenderInput,
  { undo, feeds }: { undo: Undo; feeds: ReadonlyMap<string, Feed> },
): Pick<ReturnType<typeof renderFeeds>, 'rendered' | 'from' | 'outcomes'> {
  const content = [...undo.content].filter(([key, raw]) => !isChartEntry(raw) && input.ownedBy?.(key) === undefined);
  const back = new Set(content.map(([key]) => key));
  return {
    rendered: content.map(([key, raw]) => ({ key, raw })),
    from: new Map([...feeds].flatMap(([key, feed]) => (back.has(key) ? [[key, plainHash(input, feed)] as const] : []))),
    outcomes: [...feeds.values()].flatMap((feed) =>
      (input.overridesOf?.(feed) ?? []).map(
        (override) => ({ override, state: 'waiting', message: undoneMessage, feed }) as const,
      ),
    ),
  };
}

/** Hash of what a feed that is no chart is rendered from at once. */
export function plainHash(input: Pick<RenderInput, 'manifestOf' | 'overridesOf'>, feed: Feed): string {
  const manifest = input.manifestOf(feed);
  const encoded = manifest && encodeManifest(manifest);
  const eager = (input.overridesOf?.(feed) ?? []).filter(({ deferred }) => deferred !== true);
  return encoded ? hashOf(encoded, eager) : missing;
}

/** Problems of the new state of an object, which leave the old one as it is. */
const staysDeployed: readonly string[] = [skipReasons.tooLarge, skipReasons.overrideFailed];

const heldMessage =
  'the Manifests of all feeds vanished at once, so what was deployed stays; create the Manifest again, or take the feed out of the Subscription to remove the object';

type FeedResult = ({ raw: string; from: string | undefined } | Pick<SkippedFeed, 'reason' | 'message'>) & {
  outcomes?: OverrideOutcome[];
};

function renderFeed(
  input: RenderInput,
  known: { key: string; feed: Feed; deployed: string | undefined; from: string | undefined; undone: boolean },
): FeedResult {
  const { key, feed, deployed, from } = known;
  if (!feed.apiVersion || !feed.kind || !feed.name) {
    return { reason: skipReasons.invalidFeed, message: 'a feed needs apiVersion, kind and name' };
  }
  const other = input.ownedBy?.(key);
  if (other !== undefined) {
    return {
      reason: skipReasons.ownedByOther,
      message: `Base ${other} of the same cluster has this feed already; remove it there or here`,
    };
  }
  const manifest = input.manifestOf(feed);
  const encoded = manifest && encodeManifest(manifest);
  if (encoded === undefined && deployed !== undefined && from === missing) return { raw: deployed, from };
  if (encoded === undefined) {
    return {
      reason: skipReasons.feedNotFound,
      message: 'no Manifest with this apiVersion, kind, namespace and name; it is deployed once there is one',
    };
  }
  const { raw, error, outcomes, ...rest } = renderWithOverrides(encoded, {
    overrides: input.overridesOf?.(feed) ?? [],
    deployed,
    from,
    undone: known.undone,
  });
  if (error) return { ...overrideProblem(error), outcomes };
  const limit = input.limits?.object ?? maxObjectBytes;
  if (raw === undefined || raw.length > limit) {
    return {
      reason: skipReasons.tooLarge,
      message: `the object takes ${raw?.length ?? 0} bytes once encoded, and ${limit} is the most that fits into a Description; split it`,
      outcomes,
    };
  }
  return { raw, outcomes, from: rest.from };
}

function specOf(o: {
  shard: Shard | undefined;
  raw: string[];
  renderedKeys: ReadonlySet<string>;
  skipped: SkippedFeed[];
  further: boolean;
}): DescriptionSpec {
  const previous = o.shard?.description.spec;
  const left = [...(o.shard?.raw ?? [])].filter(([key]) => !o.renderedKeys.has(key)).map(([, { feed }]) => feed);
  const listed = (previous?.removed ?? []).filter((feed) => !o.renderedKeys.has(feedKey(feed)));
  const all = unique([...listed, ...left]);
  const { metadata, status } = o.shard?.description ?? {};
  const confirmed = status?.observedGeneration !== undefined && status.observedGeneration >= (metadata?.generation ?? Infinity);
  const unchanged =
    previous !== undefined &&
    sameList(previous.raw, o.raw) &&
    sameList(previous.skipped, o.skipped) &&
    sameList(previous.removed, all);
  // An empty further shard has nothing to wait for but the confirmation, and then it goes.
  if (unchanged && !(o.further && confirmed && o.raw.length === 0)) return previous;
  const removed = confirmed ? unique(left) : all;
  return {
    deployer: 'Generic',
    raw: o.raw,
    ...(removed.length === 0 ? {} : { removed }),
    ...(o.skipped.length === 0 ? {} : { skipped: o.skipped }),
  };
}

function unique(feeds: Feed[]): Feed[] {
  return [...new Map(feeds.map((feed) => [feedKey(feed), pick(feed)])).values()];
}

function pick({ apiVersion, kind, namespace, name }: Feed): Feed {
  return { apiVersion, kind, ...(namespace ? { namespace } : {}), name };
}

function problemKey(entry: SkippedFeed): string {
  return `${entry.reason} ${feedKey(entry)}`;
}

function sameList(a: readonly unknown[] | undefined, b: readonly unknown[]): boolean {
  return stableStringify(a ?? []) === stableStringify(b);
}

function timeText(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
