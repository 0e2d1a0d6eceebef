// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type KubeObject,
  labels,
  type ManagedCluster,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { core, isNotFound, objectKey } from '@clusternet/client';
import {
  contentOf,
  decodeRevision,
  firstOf,
  historyOf,
  type RenderedContent,
  sameContent,
  stampOf,
  type Undone,
  undoneOf,
} from '@clusternet/override-engine';
import { CliError } from '../../errors.ts';
import { type Session } from '../session.ts';

/** One cluster of a Subscription and what it got. */
export interface ClusterHistory {
  /** Name of the cluster. */
  name: string;
  /** Its dedicated namespace. */
  namespace: string;
  /** Revision that is deployed. */
  current: number;
  content: RenderedContent;
  undone: Undone | undefined;
  /** What it had before, oldest first; without content where that is not kept. */
  earlier: { number: number; replacedAt: string; content: RenderedContent | undefined }[];
  description: Description;
}

/** A Subscription and what its clusters got. */
export interface Rollout {
  subscription: Subscription;
  clusters: ClusterHistory[];
  /** Revisions that an undo has taken a cluster back from, be it one of these or another one. */
  bad: ReadonlySet<number>;
}

interface StoredRevision extends KubeObject {
  data?: unknown;
}

/** Reads what each cluster of a Subscription has and had. */
export async function fetchRollout(session: Session, o: { name: string; cluster?: string }): Promise<Rollout> {
  const { client, namespace } = session;
  const subscription = await findSubscription(session, o.name);
  const { name } = subscription.metadata;
  const labelSelector = `${labels.subsUid}=${subscription.metadata.uid}`;
  const [bases, descriptions, revisions, clusters] = await Promise.all([
    client.resource<Base>(resources.bases).list({ labelSelector }),
    client.resource<Description>(resources.descriptions).list({ labelSelector }),
    client.resource<StoredRevision>(core.controllerRevisions).list({ labelSelector }),
    client.resource<ManagedCluster>(resources.managedClusters).list(),
  ]);
  const named = new Map(clusters.items.map(({ metadata }) => [metadata.namespace, metadata.name ?? '']));
  const kept = new Map(revisions.items.map(({ metadata, data }) => [metadata.name, decodeRevision(data)]));
  const histories = bases.items.flatMap((base): ClusterHistory[] => {
    const { namespace: at = '', uid } = base.metadata;
    const own = descriptions.items.filter(
      ({ metadata }) => metadata.namespace === at && metadata.labels?.[labels.configUid] === uid,
    );
    const first = firstOf(base, own);
    if (!first) return [];
    const earlier = historyOf(first).map((entry) => {
      const content = entry.kept === undefined ? undefined : kept.get(entry.kept);
      return { number: entry.revision, replacedAt: entry.replacedAt, content };
    });
    const current = stampOf(first)?.number ?? 1;
    return [
      {
        name: named.get(at) ?? at,
        namespace: at,
        current,
        content: contentOf(own),
        undone: undoneOf(first),
        earlier,
        description: first,
      },
    ];
  });
  histories.sort((a, b) => (a.name < b.name ? -1 : 1));
  const wanted = histories.filter((one) => o.cluster === undefined || one.name === o.cluster || one.namespace === o.cluster);
  if (wanted.length === 0) {
    const all = histories.map((one) => one.name).join(', ');
    throw new CliError(
      o.cluster === undefined || all === ''
        ? `nothing is deployed yet for Subscription ${namespace}/${name}`
        : `Subscription ${namespace}/${name} is not deployed to a cluster "${o.cluster}"; it is in ${all}`,
    );
  }
  return { subscription, clusters: wanted, bad: new Set(histories.flatMap(({ undone }) => undone?.bad ?? [])) };
}

/** Which of the clusters have followed a request to go back. */
export async function followed({ client }: Session, subscription: Subscription, request: string): Promise<Set<string>> {
  const labelSelector = `${labels.subsUid}=${subscription.metadata.uid}`;
  const { items } = await client.resource<Description>(resources.descriptions).list({ labelSelector });
  const done = items.filter((description) => (undoneOf(description)?.id ?? '') >= request);
  return new Set(done.map(({ metadata }) => metadata.namespace ?? ''));
}

/** The Subscription of that name, alone or as `subscription/name`, in the namespace of the session. */
export async function findSubscription({ client, namespace }: Session, given: string): Promise<Subscription> {
  const name = given.replace(/^[a-z]+\//, '');
  try {
    return await client.resource<Subscription>(resources.subscriptions).get({ name, namespace });
  } catch (error) {
    if (!isNotFound(error) || error.unserved) throw error;
    throw new CliError(`there is no Subscription "${objectKey({ name, namespace })}"; is it in another namespace (-n)?`, {
      cause: error,
    });
  }
}

/** What a cluster had when a revision was the newest; undefined when that is not kept. */
export function contentAt(cluster: ClusterHistory, revision: number): RenderedContent | undefined {
  if (cluster.current <= revision) return cluster.content;
  return cluster.earlier.filter(({ number }) => number <= revision).at(-1)?.content;
}

/**
 * The newest revision before that of the clusters which gives one of them something else and was not taken back before, also not under another
 * number; undefined when there is none.
 */
export function previousRevision({ clusters, bad }: Pick<Rollout, 'clusters' | 'bad'>): number | undefined {
  const newest = Math.max(...clusters.map(({ current }) => current));
  const numbers = clusters.flatMap(({ current, earlier }) => [current, ...earlier.map(({ number }) => number)]);
  const isGood = (number: number): boolean =>
    !bad.has(number) &&
    clusters.some((cluster) => {
      const content = contentAt(cluster, number);
      return content !== undefined && !sameContent(content, cluster.content);
    }) &&
    !clusters.some((cluster) => {
      const content = contentAt(cluster, number);
      // What the cluster was taken back to, it may have had under a number between the bad ones, too.
      const good = cluster.undone && contentAt(cluster, cluster.undone.revision);
      const taken = cluster.earlier.flatMap((one) => (bad.has(one.number) && one.content ? [one.content] : []));
      return (
        content !== undefined && taken.some((one) => sameContent(one, content) && !(good !== undefined && sameContent(one, good)))
      );
    });
  return [...new Set(numbers)]
    .filter((number) => number < newest)
    .sort((a, b) => b - a)
    .find(isGood);
}
