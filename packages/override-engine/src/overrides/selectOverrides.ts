// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed, feedKey, type Globalization, type Localization, matchesSelector } from '@clusternet/api-types';
import { type Override } from './applyOverride.ts';

/** Labels of a ManagedCluster. */
export type ClusterLabels = Record<string, string> | undefined;

/** What is chosen from. */
export interface OverrideCandidates {
  feed: Feed;
  globalizations: readonly Globalization[];
  /** Those of the namespace of the cluster. */
  localizations: readonly Localization[];
  /** The labels of the ManagedClusters of that namespace, which is one as a rule. */
  clusters: readonly ClusterLabels[];
}

/**
 * The overrides of a feed in one cluster, in the order in which they are applied: Globalizations, then Localizations, each by priority, low first; equal
 * ones by age, then by name. What `spec.feed` names now counts, and nothing else: no label, no uid.
 */
export function selectOverrides({ feed, globalizations, localizations, clusters }: OverrideCandidates): Override[] {
  const key = feedKey(feed);
  const isOf = ({ metadata, spec }: Globalization | Localization): boolean =>
    metadata.deletionTimestamp === undefined && feedKey(spec.feed) === key;
  const selected: Override[] = [];
  for (const globalization of globalizations.filter(isOf).sort(inOrder)) {
    const match = selects(globalization, clusters);
    if (match === true) selected.push(...overridesOf(globalization));
    else if (match !== false) selected.push(...overridesOf(globalization, match.problem));
  }
  for (const localization of localizations.filter(isOf).sort(inOrder)) selected.push(...overridesOf(localization));
  return selected;
}

/** Whether a Globalization is for one of the clusters, or why that cannot be told. */
export function selects({ spec }: Globalization, clusters: readonly ClusterLabels[]): boolean | { problem: string } {
  if (spec.clusterAffinity === undefined) return true;
  try {
    return clusters.some((labels) => matchesSelector(spec.clusterAffinity, labels));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problem: `clusterAffinity: ${error.message}` };
  }
}

// An informer keeps an object until it changes, so that the parts made of one are the same each time.
const made = new WeakMap<Globalization | Localization, Override[]>();

function overridesOf(source: Globalization | Localization, problem?: string): Override[] {
  const known = made.get(source);
  if (known && problem === undefined) return known;
  const { name, namespace } = source.metadata;
  const origin =
    source.kind === 'Localization'
      ? { kind: 'Localization' as const, namespace: namespace ?? '', name }
      : { kind: 'Globalization' as const, name };
  const deferred = source.spec.overridePolicy !== 'ApplyNow';
  const overrides = (source.spec.overrides ?? []).map((config, index): Override => ({
    config,
    origin,
    index,
    deferred,
    ...(problem === undefined ? {} : { problem }),
  }));
  if (problem === undefined) made.set(source, overrides);
  return overrides;
}

function inOrder(a: Globalization | Localization, b: Globalization | Localization): number {
  const priority = (a.spec.priority ?? 500) - (b.spec.priority ?? 500);
  if (priority !== 0) return priority;
  const [x, y] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`);
  return (x ?? '') < (y ?? '') ? -1 : 1;
}
