// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  type Base,
  type Description,
  type Feed,
  feedKey,
  type Globalization,
  type HelmChart,
  type KubeObject,
  labels,
  type Localization,
  type ManagedCluster,
  type Manifest,
  matchesSelector,
  resources,
  type SkippedFeed,
  type Subscription,
} from '@clusternet/api-types';
import { selectOverrides } from '../overrides/selectOverrides.ts';
import { renderBase } from '../render/renderBase.ts';
import { isChartFeed } from '../render/renderHelmDescription.ts';
import { contentOf, objectsOfContent } from '../rollout/revision.ts';
import { BaseIndex } from '../service/baseIndex.ts';
import { ManifestIndex } from '../service/manifestIndex.ts';

/** All objects as they would be, and what the clusters have. */
export interface PreviewInput {
  /** The Subscriptions to look at. One with `status.bindingClusters` goes there, another one wherever its subscribers select. */
  subscriptions: readonly Subscription[];
  manifests: readonly Manifest[];
  /** With the version that is to be installed in their status. */
  charts?: readonly HelmChart[];
  globalizations: readonly Globalization[];
  localizations: readonly Localization[];
  clusters: readonly Pick<ManagedCluster, 'metadata'>[];
  /** What is deployed; none, and everything is new. */
  bases?: readonly Base[];
  descriptions?: readonly Description[];
  now: Date;
}

/** What one cluster would get from one Subscription. */
export interface PreviewedCluster {
  subscription: Subscription;
  /** Name of the cluster, and its dedicated namespace. */
  cluster: string;
  namespace: string;
  /** Objects by feed key; HelmCharts with their values beside their spec. */
  before: ReadonlyMap<string, KubeObject>;
  after: ReadonlyMap<string, KubeObject>;
  /** Feeds that would not be rendered, with the reason. */
  problems: SkippedFeed[];
  /** Overrides, by kind and name, that would wait for another change. */
  waiting: string[];
}

/**
 * What each cluster would get: the very rendering of the service, without a cluster to write to. Where a Subscription goes is taken as it is; for a new one it is
 * all clusters that a subscriber selects, without taints, replicas and whatever else a scheduler looks at.
 */
export function preview(input: PreviewInput): PreviewedCluster[] {
  const manifests = new ManifestIndex();
  for (const manifest of input.manifests) manifests.set(manifest);
  const targets = input.subscriptions.flatMap((subscription) =>
    clustersOf(subscription, input.clusters).map((cluster) => ({
      subscription,
      cluster,
      base: baseOf(subscription, cluster, input),
    })),
  );
  const owners = new BaseIndex();
  const previewed = new Set(targets.map(({ base }) => `${base.metadata.namespace}/${base.metadata.name}`));
  for (const base of input.bases ?? []) if (!previewed.has(`${base.metadata.namespace}/${base.metadata.name}`)) owners.set(base);
  for (const { base } of targets) owners.set(base);
  return targets.map(({ subscription, cluster, base }) => {
    const { namespace = '', name } = cluster.metadata;
    const previous = (input.descriptions ?? []).filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[labels.configUid] === base.metadata.uid,
    );
    const chartOf = (feed: Feed): HelmChart | undefined =>
      (input.charts ?? []).find((chart) => chart.metadata.name === feed.name && chart.metadata.namespace === feed.namespace);
    const { descriptions, outcomes } = renderBase({
      base,
      manifestOf: (feed) => manifests.find(feed),
      chartOf: (feed) => (isChartFeed(feed) ? chartOf(feed) : undefined),
      overridesOf: (feed: Feed) =>
        selectOverrides({
          feed,
          globalizations: input.globalizations,
          localizations: input.localizations.filter(({ metadata }) => metadata.namespace === namespace),
          clusters: input.clusters
            .filter(({ metadata }) => metadata.namespace === namespace)
            .map(({ metadata }) => metadata.labels),
        }),
      ownedBy: (key: string) => {
        const owner = owners.ownerOf(key, namespace);
        return owner === base.metadata.name ? undefined : owner;
      },
      previous,
      now: input.now,
    });
    const waits = outcomes.filter(({ state }) => state === 'waiting').map(({ override: { origin } }) => origin);
    return {
      subscription,
      cluster: name,
      namespace,
      before: objectsOfContent(contentOf(previous)),
      after: objectsOfContent(contentOf(descriptions)),
      problems: descriptions.flatMap(({ spec }) => spec.skipped ?? []),
      waiting: [...new Set(waits.map((origin) => `${origin?.kind} ${origin?.name}`))],
    };
  });
}

/** The Subscriptions whose feeds have one of these keys. */
export function subscriptionsWith(subscriptions: readonly Subscription[], keys: ReadonlySet<string>): Subscription[] {
  return subscriptions.filter(({ spec }) => spec.feeds.some((feed) => keys.has(feedKey(feed))));
}

function clustersOf(subscription: Subscription, clusters: PreviewInput['clusters']): PreviewInput['clusters'] {
  const bound = subscription.status?.bindingClusters;
  if (bound) return clusters.filter(({ metadata }) => bound.includes(`${metadata.namespace}/${metadata.name}`));
  const { subscribers } = subscription.spec;
  return clusters.filter(({ metadata }) =>
    subscribers.some(({ clusterAffinity }) => matchesSelector(clusterAffinity, metadata.labels)),
  );
}

function baseOf(
  subscription: Subscription,
  { metadata }: Pick<ManagedCluster, 'metadata'>,
  { bases = [], now }: PreviewInput,
): Base {
  const { uid, name } = subscription.metadata;
  const feeds = subscription.spec.feeds;
  const existing = bases.find(
    (base) =>
      base.metadata.namespace === metadata.namespace && uid !== undefined && base.metadata.labels?.[labels.subsUid] === uid,
  );
  if (existing) return { ...existing, spec: { feeds } };
  return {
    apiVersion: apiVersionOf(resources.bases),
    kind: resources.bases.kind,
    metadata: { name, namespace: metadata.namespace, uid: `${metadata.namespace}/${name}`, creationTimestamp: now.toISOString() },
    spec: { feeds },
  };
}
