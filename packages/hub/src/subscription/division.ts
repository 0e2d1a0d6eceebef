// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  annotations,
  apiVersionOf,
  type Base,
  createdBy,
  type Feed,
  feedKey,
  type FeedInventory,
  groups,
  labels,
  type Localization,
  type OverrideConfig,
  resources,
  type Subscription,
  suffix,
} from '@clusternet/api-types';

/** Replicas of one feed in one cluster. */
export interface Share {
  feed: Feed;
  /** JSON pointer to the replicas: in the object, or in the values of a chart. */
  path: string;
  replicas: number;
}

/** What the division of a Subscription means for its Bases. */
export type Division =
  /** Nothing is divided: every cluster gets what the feeds say. */
  | { kind: 'none' }
  /** Divided: the shares of each bound cluster, by its entry in `status.bindingClusters`. */
  | { kind: 'divided'; shares: ReadonlyMap<string, readonly Share[]> }
  /** Not known yet; a Base written now could bring the full number of replicas to every cluster. */
  | { kind: 'unknown'; problem: string };

/** Reads the division from the decision of the scheduler, and from the inventory where the replicas stand in each feed. */
export function divisionOf(subscription: Subscription, inventory: FeedInventory | undefined): Division {
  const { spec, status } = subscription;
  if (spec.schedulingStrategy !== 'Dividing') return { kind: 'none' };
  const bindings = status?.bindingClusters ?? [];
  const replicas = status?.replicas ?? {};
  const shares = new Map<string, Share[]>(bindings.map((binding) => [binding, []]));
  for (const feed of spec.feeds) {
    const key = feedKey(feed);
    const list = Object.hasOwn(replicas, key) ? replicas[key] : undefined;
    if (list === undefined) return { kind: 'unknown', problem: `status.replicas does not list ${key} yet` };
    if (list.length === 0) continue;
    if (list.length !== bindings.length) {
      return {
        kind: 'unknown',
        problem: `status.replicas has ${list.length} entries for ${key}, and ${bindings.length} clusters are bound`,
      };
    }
    const order = inventory?.spec.feeds.find((one) => feedKey(one) === key);
    if (order === undefined) return { kind: 'unknown', problem: `the FeedInventory of the Subscription does not list ${key}` };
    const { replicaJsonPath: path } = order;
    if (!path) return { kind: 'unknown', problem: `replicaJsonPath of ${key} is not set in the FeedInventory` };
    for (const [i, binding] of bindings.entries()) shares.get(binding)?.push({ feed, path, replicas: list[i] ?? 0 });
  }
  return { kind: 'divided', shares };
}

const localizationEnding = 8;

/** Name of the Localization of one feed, the same whenever it is computed. */
export function localizationName(base: Base, feed: Feed): string {
  return `${base.metadata.name}-${suffix(feedKey(feed), localizationEnding)}`;
}

/** The annotation by which a Base tells what must be there before it is rendered; undefined when there is nothing to wait for. */
export function awaited(base: Base, shares: readonly Share[]): string | undefined {
  return shares.length === 0
    ? undefined
    : shares
        .map(({ feed }) => localizationName(base, feed))
        .sort()
        .join(',');
}

/** The Localization that gives a feed its share of replicas in one cluster. It goes with the Base. */
export function desiredLocalization(subscription: Subscription, base: Base, share: Share): Localization {
  const { uid: subscriptionUid = '' } = subscription.metadata;
  const { name, namespace, uid = '' } = base.metadata;
  const { [labels.clusterId]: clusterId, [labels.clusterName]: clusterName } = base.metadata.labels ?? {};
  const { apiVersion, kind, namespace: feedNamespace, name: feedName } = share.feed;
  return {
    apiVersion: apiVersionOf(resources.localizations),
    kind: resources.localizations.kind,
    metadata: {
      name: localizationName(base, share.feed),
      namespace,
      labels: {
        [labels.createdBy]: createdBy.controllerManager,
        [labels.subsUid]: subscriptionUid,
        ...(subscriptionUid ? { [subscriptionUid]: resources.subscriptions.kind } : {}),
        ...(clusterId ? { [labels.clusterId]: clusterId } : {}),
        ...(clusterName ? { [labels.clusterName]: clusterName } : {}),
      },
      ownerReferences: [
        {
          apiVersion: apiVersionOf(resources.bases),
          kind: resources.bases.kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      overridePolicy: 'ApplyNow',
      // Above all others: a share that somebody patches over is no share.
      priority: 1000,
      feed: { apiVersion, kind, ...(feedNamespace ? { namespace: feedNamespace } : {}), name: feedName },
      overrides: [replicaOverride(share)],
    },
  };
}

function replicaOverride({ feed, path, replicas }: Share): OverrideConfig {
  const name = 'dividing scheduling replicas';
  if (feed.kind === resources.helmCharts.kind && feed.apiVersion.startsWith(`${groups.apps}/`)) {
    return { name, type: 'Helm', value: JSON.stringify(nested(path, replicas)), fieldFormat: 'JSON' };
  }
  // "add" also replaces, and does not fail where the object leaves the number to its default.
  return { name, type: 'JSONPatch', value: JSON.stringify([{ path, value: replicas, op: 'add' }]), fieldFormat: 'JSON' };
}

function nested(path: string, value: number): unknown {
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

/** The merge patch that brings a Localization to its share, or undefined when it has it. */
export function localizationPatch(actual: Localization, wanted: Localization): object | undefined {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const told = actual.spec.overrides?.length === 1 ? actual.spec.overrides[0] : undefined;
  const [asked] = wanted.spec.overrides ?? [];
  const intact =
    told?.value === asked?.value &&
    told?.type === asked?.type &&
    actual.spec.priority === wanted.spec.priority &&
    actual.spec.overridePolicy === wanted.spec.overridePolicy &&
    feedKey(actual.spec.feed) === feedKey(wanted.spec.feed) &&
    same(
      actual.metadata.ownerReferences?.map(({ uid }) => uid),
      wanted.metadata.ownerReferences?.map(({ uid }) => uid),
    ) &&
    Object.entries(wanted.metadata.labels ?? {}).every(([key, value]) => actual.metadata.labels?.[key] === value);
  if (intact) return undefined;
  return { metadata: { labels: wanted.metadata.labels, ownerReferences: wanted.metadata.ownerReferences }, spec: wanted.spec };
}

/** Whether a Localization was made here, for a division. */
export function isDivision({ metadata }: Localization): boolean {
  return metadata.labels?.[labels.createdBy] === createdBy.controllerManager && metadata.labels[labels.subsUid] !== undefined;
}

/** A Base with what it awaits. */
export function withAwaited(base: Base, shares: readonly Share[]): Base {
  const names = awaited(base, shares);
  if (names === undefined) return base;
  return {
    ...base,
    metadata: { ...base.metadata, annotations: { ...base.metadata.annotations, [annotations.awaitsLocalizations]: names } },
  };
}
