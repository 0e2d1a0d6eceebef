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
  historyOf,
  type RenderedContent,
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
  /** What it had before, oldest first. */
  earlier: { number: number; replacedAt: string; content: RenderedContent }[];
  description: Description;
}

/** A Subscription and what its clusters got. */
export interface Rollout {
  subscription: Subscription;
  clusters: ClusterHistory[];
}

interface StoredRevision extends KubeObject {
  data?: unknown;
}

/** Reads what each cluster of a Subscription has and had. */
export async function fetchRollout(session: Session, o: { name: string; cluster?: string }): Promise<Rollout> {
  const { client, namespace } = session;
  const name = o.name.replace(/^[a-z]+\//, '');
  const subscription = await findSubscription(session, name);
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
    const { namespace: at = '', uid, name: baseName } = base.metadata;
    const own = descriptions.items.filter(
      ({ metadata }) => metadata.namespace === at && metadata.labels?.[labels.configUid] === uid,
    );
    const first = own.find(({ metadata }) => metadata.name === `${baseName}-generic`);
    if (!first) return [];
    const earlier = historyOf(first).flatMap((entry) => {
      const content = kept.get(entry.kept);
      return content ? [{ number: entry.revision, replacedAt: entry.replacedAt, content }] : [];
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
  return { subscription, clusters: wanted };
}

/** The Subscription of that name in the namespace of the session. */
export async function findSubscription({ client, namespace }: Session, name: string): Promise<Subscription> {
  try {
    return await client.resource<Subscription>(resources.subscriptions).get({ name, namespace });
  } catch (error) {
    if (!isNotFound(error)) throw error;
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

/** The revision before the newest; undefined when there is none. */
export function previousRevision(clusters: readonly ClusterHistory[]): number | undefined {
  const newest = Math.max(...clusters.map(({ current }) => current));
  const numbers = clusters.flatMap(({ current, earlier }) => [current, ...earlier.map(({ number }) => number)]);
  const before = numbers.filter((number) => number < newest);
  return before.length === 0 ? undefined : Math.max(...before);
}
