// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Base, type Description, type Feed, feedKey, type FeedStatus } from '@clusternet/api-types';
import { isAvailable } from '@clusternet/runtime';
import { isDeepStrictEqual } from 'node:util';
import { replicaStatusOf } from './replicaStatus.ts';

/** Why one feed is not deployed in one cluster. */
export interface FeedProblem {
  /** `undefined` when the cluster as a whole is to blame. */
  feed?: Feed;
  reason: string;
  message: string;
  /** RFC 3339, where it is known. */
  since?: string;
}

/** How a Subscription does in one of its clusters. */
export interface ClusterState {
  /** By feedKey. Feeds that the cluster does not have yet are absent. */
  feeds: Map<string, FeedStatus>;
  problems: FeedProblem[];
  /** Every feed, as it is wanted now, is in the cluster. */
  deployed: boolean;
  /** And every one of them is available. */
  available: boolean;
}

/** What the parent knows of a Subscription in one cluster. */
export interface ClusterInput {
  /** Feeds of the Subscription. */
  feeds: readonly Feed[];
  base?: Base;
  /** All Descriptions rendered from the Base. */
  descriptions: readonly Description[];
  /** Why nothing can be deployed there. */
  problem?: string;
}

/** Reads the state in one cluster off its Descriptions. What is odd or belongs to other feeds is passed over. */
export function clusterState({ feeds, base, descriptions, problem }: ClusterInput): ClusterState {
  const states = new Map<string, FeedStatus>();
  const problems: FeedProblem[] = [];
  const wanted = new Map(feeds.map((feed) => [feedKey(feed), feed]));
  const failed = new Set<string>();
  if (problem !== undefined) problems.push({ reason: 'BindingImpossible', message: problem });
  const fail = (feed: Feed, cause: { reason?: string; message?: string; since?: string }): void => {
    const key = feedKey(feed);
    const own = wanted.get(key);
    if (!own || failed.has(key)) return;
    failed.add(key);
    problems.push({
      feed: own,
      reason: cause.reason ?? 'Failed',
      message: cause.message ?? 'no cause is known',
      since: cause.since,
    });
  };

  for (const description of descriptions) {
    for (const skipped of description.spec?.skipped ?? []) fail(skipped, skipped);
    for (const entry of description.status?.manifestStatuses ?? []) {
      const key = feedKey(entry);
      const feed = wanted.get(key);
      if (!feed) continue;
      if (entry.error) fail(feed, entry.error);
      states.set(key, feedStatus(feed, entry.observedStatus, entry.error === undefined));
    }
    for (const feed of chartsOf(description, wanted).filter((one) => !states.has(feedKey(one))))
      states.set(feedKey(feed), { available: description.status?.phase === 'Success' });
  }
  // Only where no single feed explains it: then the cluster does not answer, or a chart failed.
  for (const { status } of descriptions) {
    if (status?.phase === 'Failure' && problems.length === 0)
      problems.push({ reason: 'Failed', message: status.reason || 'no cause is known' });
  }

  const current =
    base !== undefined &&
    isDeepStrictEqual(base.spec?.feeds, feeds) &&
    descriptions.every((description) => isUpToDate(description));
  const everyFeed = feeds.every((feed) => states.has(feedKey(feed)));
  const deployed = current && everyFeed && problems.length === 0;
  return {
    feeds: states,
    problems,
    deployed,
    available: deployed && feeds.every((feed) => states.get(feedKey(feed))?.available === true),
  };
}

function isUpToDate({ metadata, status }: Description): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    // Without a generation it was written by a deployer that does not count: its phase has to do.
    (status?.observedGeneration === undefined ? status?.phase === 'Success' : status.observedGeneration === metadata.generation)
  );
}

function feedStatus(feed: Feed, observed: unknown, applied: boolean): FeedStatus {
  const replicaStatus = replicaStatusOf(feed, observed);
  return {
    ...(applied && isAvailable(feed, observed) ? { available: true } : {}),
    ...(replicaStatus && Object.keys(replicaStatus).length > 0 ? { replicaStatus } : {}),
  };
}

function chartsOf(description: Description, wanted: ReadonlyMap<string, Feed>): Feed[] {
  if (description.spec?.deployer !== 'Helm') return [];
  const names = new Set((description.spec.charts ?? []).map(({ namespace, name }) => `${namespace}/${name}`));
  return [...wanted.values()].filter((feed) => feed.kind === 'HelmChart' && names.has(`${feed.namespace ?? ''}/${feed.name}`));
}
