// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { annotations, type Description, type Feed, stableStringify } from '@clusternet/api-types';
import { type RenderedContent } from './revision.ts';

/** Key of the request that is for all clusters. */
export const everyCluster = '*';

/** A request to go back, as `kubectl clusternet rollout undo` leaves it on a Subscription. */
export interface UndoRequest {
  /** Time of the request, RFC 3339: a later one takes the place of an earlier one. */
  id: string;
  /** Revision to go back to: what each cluster had when this one was the newest. */
  revision: number;
}

/** An undo to be done now. */
export interface Undo extends UndoRequest {
  content: RenderedContent;
}

/** What an undo left behind on a Description. */
export interface Undone extends UndoRequest {
  /** Hash of the list of feeds; with another one `with` means nothing any longer. */
  feeds: string;
  /** Feeds that are deployed though the list has them no longer. */
  with: string[];
  /** Feeds that are not deployed though the list has them, with the hash of what they were rendered from. */
  without: Record<string, string>;
  /** Revisions that an undo has taken the cluster back from. */
  bad: number[];
}

/** Revisions that are remembered as taken back; no history is longer. */
const maxBad = 100;

/** The request that a cluster (its dedicated namespace) has to follow, if any. */
export function undoRequestFor(text: string | undefined, namespace: string): UndoRequest | undefined {
  const requests = parse(text);
  return latestOf([requests[everyCluster], requests[namespace]]);
}

/** The last request of all, whichever cluster it is for. */
export function latestUndoRequest(text: string | undefined): UndoRequest | undefined {
  return latestOf(Object.values(parse(text)));
}

function latestOf(requests: readonly unknown[]): UndoRequest | undefined {
  return requests.filter((request): request is UndoRequest => isRequest(request)).sort((a, b) => (a.id < b.id ? 1 : -1))[0];
}

/** The annotation with one more request; one for all clusters takes the place of every other. */
export function addUndoRequest(
  text: string | undefined,
  { namespace, request }: { namespace: string; request: UndoRequest },
): string {
  return JSON.stringify(namespace === everyCluster ? { [namespace]: request } : { ...parse(text), [namespace]: request });
}

/** What an undo leaves behind that is done now. */
export function undoneBy(
  undo: Undo,
  o: {
    feeds: ReadonlyMap<string, Feed>;
    hashOf: (feed: Feed) => string;
    ownedBy: (key: string) => string | undefined;
    before: Undone | undefined;
    /** Revision that is replaced; undefined when it is the same, which must not count as bad. */
    from: number | undefined;
  },
): Undone {
  const { id, revision, content } = undo;
  const isBack = (key: string): boolean => content.has(key) && o.ownedBy(key) === undefined;
  const { from = 0 } = o;
  const left = Array.from({ length: Math.min(maxBad, Math.max(0, from - revision)) }, (_, index) => from - index);
  const bad = new Set([...(o.before?.bad ?? []), ...left.reverse()]);
  bad.delete(revision);
  return {
    id,
    revision,
    feeds: hashOfFeeds(o.feeds),
    with: [...content.keys()].filter((key) => isBack(key) && !o.feeds.has(key)),
    without: Object.fromEntries([...o.feeds].flatMap(([key, feed]) => (isBack(key) ? [] : [[key, o.hashOf(feed)]]))),
    bad: [...bad].slice(-maxBad),
  };
}

/** What an earlier undo still holds: as long as the list of feeds is the same, and what a feed is rendered from. */
export function stillUndone(
  before: Undone,
  o: {
    feeds: ReadonlyMap<string, Feed>;
    hashOf: (feed: Feed) => string;
    ownedBy: (key: string) => string | undefined;
  },
): Undone {
  const isSame = ([key, hash]: [string, string]): boolean => {
    const feed = o.feeds.get(key);
    return feed !== undefined && o.hashOf(feed) === hash;
  };
  const sameFeeds = before.feeds === hashOfFeeds(o.feeds);
  const without = Object.fromEntries(Object.entries(before.without).filter(isSame));
  return { ...before, with: sameFeeds ? before.with.filter((key) => o.ownedBy(key) === undefined) : [], without };
}

function hashOfFeeds(feeds: ReadonlyMap<string, Feed>): string {
  return createHash('sha256')
    .update(stableStringify([...feeds.keys()].sort()))
    .digest('base64url')
    .slice(0, 16);
}

/** What an undo left on the first Description of a Base. */
export function undoneOf(description: Description | undefined): Undone | undefined {
  const value = parse(description?.metadata.annotations?.[annotations.undone]);
  if (!isRequest(value)) return undefined;
  const { feeds, with: more, without, bad } = value as unknown as Partial<Undone>;
  return {
    id: value.id,
    revision: value.revision,
    feeds: typeof feeds === 'string' ? feeds : '',
    with: Array.isArray(more) ? more.map(String) : [],
    without: typeof without === 'object' ? without : {},
    bad: Array.isArray(bad) ? bad.map(Number) : [],
  };
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isRequest(value: unknown): value is UndoRequest {
  const { id, revision } = (value ?? {}) as Partial<UndoRequest>;
  return typeof id === 'string' && typeof revision === 'number';
}
