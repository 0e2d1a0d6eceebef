// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type Feed,
  feedKey,
  type FeedStatus,
  type ManagedCluster,
  type Subscription,
} from '@clusternet/api-types';

/** Everything that belongs to one Subscription. */
export interface Snapshot {
  subscription: Subscription;
  /** The bound ones, as far as they may be read. */
  clusters: ManagedCluster[];
  bases: Base[];
  descriptions: Description[];
}

/** How something does: `done`, on its way, or stuck until somebody acts. */
export type State = 'done' | 'waiting' | 'failed';

/** Why something is not done. */
export interface Cause {
  reason: string;
  message?: string;
  /** RFC 3339. */
  since?: string;
}

/** One object in one cluster. */
export interface ObjectNode {
  feed: Feed;
  state: State;
  /** `Deployed`, `Available`, or a reason. */
  word: string;
  replicas?: string;
  cause?: Cause;
}

/** One bound cluster. */
export interface ClusterNode {
  name: string;
  namespace: string;
  clusterId?: string;
  state: State;
  /** What holds up the whole cluster. */
  causes: Cause[];
  /** Names of the Base and of the Descriptions. */
  base?: string;
  descriptions: { name: string; phase: string }[];
  objects: ObjectNode[];
}

/** What became of a Subscription. */
export interface StatusTree {
  name: string;
  namespace: string;
  state: State;
  deleting: boolean;
  /** Clusters in which everything is done, and all. */
  done: number;
  total: number;
  /** What holds up the Subscription itself. */
  causes: Cause[];
  clusters: ClusterNode[];
}

interface ConditionLike {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** Puts together, from the objects alone, what became of a Subscription in each cluster and what waits there. */
export function buildTree(snapshot: Snapshot): StatusTree {
  const { subscription } = snapshot;
  const { metadata, status = {} } = subscription;
  const clusters = (status.bindingClusters ?? [])
    .map((key) => clusterNode(key, snapshot))
    .toSorted((a, b) => a.name.localeCompare(b.name) || a.namespace.localeCompare(b.namespace));
  const causes = causesOf(subscription);
  const done = clusters.filter(({ state }) => state === 'done').length;
  const worst: State =
    causes.length > 0 || clusters.some(({ state }) => state === 'failed')
      ? 'failed'
      : done < clusters.length || clusters.length === 0
        ? 'waiting'
        : 'done';
  return {
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    state:
      causes.every(({ reason }) => reason === 'NotScheduledYet') && worst === 'failed' && clusters.length === 0
        ? 'waiting'
        : worst,
    deleting: metadata.deletionTimestamp !== undefined,
    done,
    total: clusters.length,
    causes,
    clusters,
  };
}

function causesOf({ status, metadata }: Subscription): Cause[] {
  const scheduled = find(status?.conditions, 'Scheduled');
  if (metadata.deletionTimestamp !== undefined) {
    return [{ reason: 'Deleting', message: 'everything is being removed from the clusters', since: metadata.deletionTimestamp }];
  }
  if (!scheduled)
    return [{ reason: 'NotScheduledYet', message: 'the scheduler has not looked at it yet', since: metadata.creationTimestamp }];
  return scheduled.status === 'True' ? [] : [causeOf(scheduled)];
}

function clusterNode(key: string, snapshot: Snapshot): ClusterNode {
  const [namespace = '', name = ''] = key.split('/');
  const cluster = snapshot.clusters.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const base = snapshot.bases.find(({ metadata }) => metadata.namespace === namespace);
  const descriptions = snapshot.descriptions.filter(({ metadata }) => metadata.namespace === namespace);
  const clusterId = cluster?.spec.clusterId ?? (descriptions[0]?.metadata.labels ?? {})['clusters.clusternet.io/cluster-id'];
  const causes = clusterCauses({ cluster, base, descriptions });
  const objects = snapshot.subscription.spec.feeds.map((feed) => objectNode(feed, { snapshot, clusterId, name, descriptions }));
  const leaving = descriptions.flatMap((description) => leavingNodes(description, snapshot.subscription.spec.feeds));
  const all = [...objects, ...leaving];
  const state: State = all.some((o) => o.state === 'failed')
    ? 'failed'
    : all.every((o) => o.state === 'done') && base
      ? 'done'
      : 'waiting';
  return {
    name,
    namespace,
    clusterId,
    state,
    causes,
    base: base?.metadata.name,
    descriptions: descriptions.map(({ metadata, status }) => ({ name: metadata.name ?? '', phase: status?.phase ?? 'Pending' })),
    objects: all,
  };
}

function clusterCauses(o: { cluster?: ManagedCluster; base?: Base; descriptions: Description[] }): Cause[] {
  const causes: Cause[] = [];
  const ready = find(o.cluster?.status?.conditions, 'Ready');
  if (ready && ready.status !== 'True')
    causes.push({ ...causeOf(ready), reason: `cluster not ready: ${ready.reason ?? ready.status}` });
  if (!o.base) causes.push({ reason: 'NoBase', message: 'the hub has not made its Base yet' });
  else if (o.descriptions.length === 0) {
    const rendered = find((o.base as { status?: { conditions?: ConditionLike[] } }).status?.conditions, 'Rendered');
    if (rendered?.status === 'False') causes.push(causeOf(rendered));
    else
      causes.push({
        reason: 'NotRendered',
        message: 'the override-engine has not rendered it yet',
        since: o.base.metadata.creationTimestamp,
      });
  }
  for (const { status } of o.descriptions) {
    for (const type of ['Reachable', 'Contested']) {
      const condition = find(status?.conditions, type);
      const isBad = type === 'Reachable' ? condition?.status === 'False' : condition?.status === 'True';
      if (condition && isBad) causes.push(causeOf(condition));
    }
  }
  return causes;
}

function objectNode(
  feed: Feed,
  o: { snapshot: Snapshot; clusterId: string | undefined; name: string; descriptions: Description[] },
): ObjectNode {
  const isIt = (other: Feed): boolean => feedKey(other) === feedKey(feed);
  for (const { spec, status, metadata } of o.descriptions) {
    const skipped = spec.skipped?.find(isIt);
    if (skipped) return { feed, state: 'failed', word: skipped.reason, cause: { ...skipped } };
    const entry = status?.manifestStatuses?.find(isIt);
    if (entry?.error) return { feed, state: 'failed', word: entry.error.reason, cause: { ...entry.error } };
    if (status?.observedGeneration === undefined || status.observedGeneration !== metadata.generation) continue;
    if (!entry && status.manifestStatuses !== undefined && status.manifestStatuses.length > 0) continue;
    const detail = o.snapshot.subscription.status?.aggregatedStatuses
      ?.find(isIt)
      ?.feedStatusDetails?.find(({ clusterId, clusterName }) => (clusterId ? clusterId === o.clusterId : clusterName === o.name));
    const replicas = replicasOf(detail);
    if (detail?.available === false) {
      return {
        feed,
        state: 'waiting',
        word: 'Progressing',
        replicas,
        cause: { reason: 'Progressing', message: 'not all replicas are available' },
      };
    }
    return { feed, state: 'done', word: replicas === undefined ? 'Deployed' : 'Available', replicas };
  }
  return { feed, state: 'waiting', word: 'Waiting' };
}

/** Objects that were deployed before and are on their way out. */
function leavingNodes({ spec, status, metadata }: Description, feeds: readonly Feed[]): ObjectNode[] {
  if (status?.observedGeneration === metadata.generation) return [];
  const stays = new Set(feeds.map(feedKey));
  return (spec.removed ?? [])
    .filter((feed) => !stays.has(feedKey(feed)))
    .map((feed) => ({ feed, state: 'waiting' as const, word: 'Removing' }));
}

function replicasOf(status: FeedStatus | undefined): string | undefined {
  const counts = status?.replicaStatus;
  if (!counts) return undefined;
  if (counts.replicas !== undefined) return `${counts.availableReplicas ?? counts.readyReplicas ?? 0}/${counts.replicas}`;
  if (counts.succeeded !== undefined || counts.active !== undefined)
    return `${counts.succeeded ?? 0} succeeded, ${counts.active ?? 0} active`;
  return undefined;
}

function find(conditions: readonly ConditionLike[] | undefined, type: string): ConditionLike | undefined {
  return conditions?.find((condition) => condition.type === type);
}

function causeOf({ type, reason, message, lastTransitionTime }: ConditionLike): Cause {
  return { reason: reason || type, message: message || undefined, since: lastTransitionTime };
}
