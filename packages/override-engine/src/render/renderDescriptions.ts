// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type DescriptionSpec,
  type Feed,
  feedKey,
  groups,
  type Manifest,
  type SkippedFeed,
  skipReasons,
  stableStringify,
} from '@clusternet/api-types';
import { descriptionOf } from './descriptionOf.ts';
import { encodeManifest, feedOfRaw } from './encodeManifest.ts';
import { maxShardBytes, type Placeable, placeInShards, shardName, shardNumber, sizeOf } from './shards.ts';

/** Everything that a rendering depends on. */
export interface RenderInput {
  base: Base;
  /** The Manifest that answers a feed. */
  manifestOf: (feed: Feed) => Manifest | undefined;
  /** Name of the other Base of the namespace that owns the object, if one does. */
  ownedBy?: (key: string) => string | undefined;
  /** The Descriptions of the Base as they are. */
  previous: readonly Description[];
  now: Date;
  /** Bytes per Description; for tests. */
  limit?: number;
}

/** What the Descriptions of a Base should be. */
export interface Rendering {
  /** All that should exist, in the order of their numbers; those that are as they should be hold the spec they have. */
  descriptions: Description[];
  /** Descriptions that are empty and whose work is done. */
  surplus: Description[];
  /** Every feed vanished at once, so what was deployed stays. */
  held: boolean;
  /** Problems that were not there before. */
  newlySkipped: SkippedFeed[];
}

interface Shard {
  description: Description;
  keys: string[];
  raw: Map<string, { feed: Feed; raw: string }>;
}

/**
 * Renders the feeds of a Base into Descriptions.
 *
 * @remarks
 * - A feed that cannot be rendered is left out and listed in `skipped` of the first Description; the others go on.
 * - What was rendered before and is not any longer goes into `removed` of the Description it was in, until its
 *   `status.observedGeneration` confirms that it is gone. It is not listed while another Description of the Base has it.
 * - Nothing differs when nothing changed: a Description whose only difference would be confirmed `removed` entries stays.
 */
export function renderDescriptions(input: RenderInput): Rendering {
  const { base, now } = input;
  const shards = readShards(base, input.previous);
  const { rendered, skipped, held } = renderFeeds(input, shards);
  const shardOf = new Map([...shards].flatMap(([number, { keys }]) => keys.map((key) => [key, number] as const)));
  const placed = placeInShards(rendered, { current: (key) => shardOf.get(key), limit: input.limit });
  const renderedKeys = new Set(rendered.map(({ key }) => key));
  const before = new Map(input.previous.flatMap(({ spec }) => spec.skipped ?? []).map((entry) => [problemKey(entry), entry]));
  const dated = skipped.map((entry) => ({ ...entry, since: before.get(problemKey(entry))?.since ?? timeText(now) }));

  const numbers = [...new Set([1, ...shards.keys(), ...placed.keys()])].sort((a, b) => a - b);
  const result: Rendering = {
    descriptions: [],
    surplus: [],
    held,
    newlySkipped: dated.filter((entry) => !before.has(problemKey(entry))),
  };
  for (const number of numbers) {
    const shard = shards.get(number);
    const raw = (placed.get(number) ?? []).map((object) => object.raw);
    const spec = specOf({ shard, raw, renderedKeys, skipped: number === 1 ? dated : [], further: number > 1 });
    const idle = raw.length === 0 && spec.removed === undefined && (shard?.description.spec.raw ?? []).length === 0;
    if (number > 1 && shard && idle) result.surplus.push(shard.description);
    else result.descriptions.push(descriptionOf(base, { name: shardName(base.metadata.name, number), spec }));
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
  const shard = { description, keys: [...raw.keys()], raw };
  read.set(description, shard);
  return shard;
}

function renderFeeds(
  input: RenderInput,
  shards: ReadonlyMap<number, Shard>,
): { rendered: Placeable[]; skipped: SkippedFeed[]; held: boolean } {
  const feeds = new Map((input.base.spec.feeds ?? []).map((feed) => [feedKey(feed), feed]));
  const rendered: Placeable[] = [];
  const skipped: SkippedFeed[] = [];
  for (const [key, feed] of feeds) {
    const result = renderFeed(input, key, feed);
    if ('raw' in result) rendered.push({ key, raw: result.raw });
    else skipped.push({ ...pick(feed), ...result });
  }
  const missing = skipped.length > 0 && skipped.every(({ reason }) => reason === skipReasons.feedNotFound);
  if (rendered.length > 0 || !missing) return { rendered, skipped, held: false };
  const deployed = new Map([...shards.values()].flatMap(({ raw }) => [...raw]));
  const kept = [...feeds.keys()].flatMap((key) => {
    const raw = deployed.get(key)?.raw;
    return raw === undefined ? [] : [{ key, raw }];
  });
  if (kept.length === 0) return { rendered, skipped, held: false };
  const message =
    'the Manifests of all feeds vanished at once, so what was deployed stays; create the Manifest again, or take the feed out of the Subscription to remove the object';
  return { rendered: kept, skipped: skipped.map((entry) => ({ ...entry, message })), held: true };
}

function renderFeed(input: RenderInput, key: string, feed: Feed): { raw: string } | Pick<SkippedFeed, 'reason' | 'message'> {
  if (!feed.apiVersion || !feed.kind || !feed.name) {
    return { reason: skipReasons.invalidFeed, message: 'a feed needs apiVersion, kind and name' };
  }
  if (feed.kind === 'HelmChart' && feed.apiVersion.startsWith(`${groups.apps}/`)) {
    return { reason: skipReasons.unsupportedFeed, message: 'HelmChart feeds are not deployed by this version' };
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
  if (encoded === undefined) {
    return {
      reason: skipReasons.feedNotFound,
      message: 'no Manifest with this apiVersion, kind, namespace and name; it is deployed once there is one',
    };
  }
  const limit = input.limit ?? maxShardBytes;
  if (sizeOf(encoded.raw) > limit) {
    return {
      reason: skipReasons.tooLarge,
      message: `${encoded.raw.length} bytes once encoded, which is more than one Description can hold (${limit})`,
    };
  }
  return { raw: encoded.raw };
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
