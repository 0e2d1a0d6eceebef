// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Feed,
  feedKey,
  type Globalization,
  type Localization,
  type ManagedCluster,
  stableStringify,
} from '@clusternet/api-types';
import { objectKey } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { type Override } from '../overrides/applyOverride.ts';
import { type ClusterLabels, selectOverrides, selects } from '../overrides/selectOverrides.ts';

/** A feed whose overrides changed, in one namespace or in all. */
export interface OverrideChange {
  feed: string;
  namespace: string | undefined;
}

/** Which overrides a feed has in which cluster, in memory. */
export class OverrideIndex {
  readonly #globalizations = new Map<string, Map<string, Globalization>>();
  /** By feed, then by namespace. */
  readonly #localizations = new Map<string, Map<string, Map<string, Localization>>>();
  /** Labels of the clusters, by namespace and then by name. */
  readonly #clusters = new Map<string, Map<string, ClusterLabels>>();

  /** The overrides of a feed in a cluster, in the order in which they are applied. */
  select(feed: Feed, namespace: string): Override[] {
    const key = feedKey(feed);
    const globalizations = this.#globalizations.get(key);
    const localizations = this.#localizations.get(key)?.get(namespace);
    if (!globalizations && !localizations) return [];
    return selectOverrides({
      feed,
      globalizations: [...(globalizations?.values() ?? [])],
      localizations: [...(localizations?.values() ?? [])],
      clusters: this.#labelsOf(namespace),
    });
  }

  /** All overrides of a feed, wherever. */
  of(key: string): (Globalization | Localization)[] {
    const localizations = [...(this.#localizations.get(key)?.values() ?? [])].flatMap((one) => [...one.values()]);
    return [...(this.#globalizations.get(key)?.values() ?? []), ...localizations];
  }

  /** The cluster of a namespace, as far as it is known. */
  clusterOf(namespace: string): { name: string; labels: ClusterLabels } {
    const [first] = this.#clusters.get(namespace) ?? [];
    return { name: first?.[0] ?? namespace, labels: first?.[1] };
  }

  /** Whether a Globalization chooses by labels of a cluster that is not there. */
  awaitsCluster({ metadata: { namespace = '' }, spec }: Base): boolean {
    if (this.#labelsOf(namespace).length > 0) return false;
    const chooses = ({ spec: { clusterAffinity } }: Globalization): boolean => clusterAffinity !== undefined;
    return (spec.feeds ?? []).some((feed) => [...(this.#globalizations.get(feedKey(feed))?.values() ?? [])].some(chooses));
  }

  /** Takes over an override as it is now; returns what it touches. */
  set(change: Change<Globalization> | Change<Localization>): OverrideChange[] {
    const { type, object } = change;
    const previous = type === 'modified' ? change.previous : undefined;
    if (previous && sameOverride(previous, object)) {
      this.#put(object);
      return [];
    }
    if (previous) this.#drop(previous);
    if (type === 'deleted') this.#drop(object);
    else this.#put(object);
    return [...(previous ? this.#touches(previous) : []), ...this.#touches(object)];
  }

  /** Takes over the labels of a cluster; returns what they touch. */
  setCluster({ type, object }: Change<ManagedCluster>): OverrideChange[] {
    const { namespace = '', name, labels } = object.metadata;
    const before = this.#labelsOf(namespace);
    const clusters = this.#clusters.get(namespace) ?? new Map<string, ClusterLabels>();
    if (type === 'deleted') clusters.delete(name);
    else clusters.set(name, labels);
    if (clusters.size === 0) this.#clusters.delete(namespace);
    else this.#clusters.set(namespace, clusters);
    const after = this.#labelsOf(namespace);
    if (stableStringify(before) === stableStringify(after)) return [];
    const all = [...this.#globalizations].flatMap(([feed, named]) => [...named.values()].map((one) => ({ feed, one })));
    return all
      .filter(({ one }) => {
        const [x, y] = [selects(one, before), selects(one, after)];
        return x !== y || (before.length === 0 && one.spec.clusterAffinity !== undefined);
      })
      .map(({ feed }) => ({ feed, namespace }));
  }

  #labelsOf(namespace: string): ClusterLabels[] {
    return [...(this.#clusters.get(namespace)?.values() ?? [])];
  }

  #touches(object: Globalization | Localization): OverrideChange[] {
    const feed = feedKey(object.spec.feed);
    if (object.kind === 'Localization') return [{ feed, namespace: object.metadata.namespace }];
    const { clusterAffinity } = object.spec as Globalization['spec'];
    if (clusterAffinity === undefined) return [{ feed, namespace: undefined }];
    const namespaces = [...this.#clusters.keys()].filter((one) => selects(object, this.#labelsOf(one)) !== false);
    return namespaces.map((namespace) => ({ feed, namespace }));
  }

  #put(object: Globalization | Localization): void {
    const named = this.#namedLike(object) ?? this.#make(object);
    named.set(objectKey(object), object);
  }

  #drop(object: Globalization | Localization): void {
    this.#namedLike(object)?.delete(objectKey(object));
    const feed = feedKey(object.spec.feed);
    if (this.#globalizations.get(feed)?.size === 0) this.#globalizations.delete(feed);
    const byNamespace = this.#localizations.get(feed);
    const { namespace = '' } = object.metadata;
    if (byNamespace?.get(namespace)?.size === 0) byNamespace.delete(namespace);
    if (byNamespace?.size === 0) this.#localizations.delete(feed);
  }

  #namedLike(object: Globalization | Localization): Map<string, Globalization | Localization> | undefined {
    const feed = feedKey(object.spec.feed);
    if (object.kind === 'Globalization') return this.#globalizations.get(feed);
    return this.#localizations.get(feed)?.get(object.metadata.namespace ?? '');
  }

  #make(object: Globalization | Localization): Map<string, Globalization | Localization> {
    const feed = feedKey(object.spec.feed);
    if (object.kind === 'Globalization') {
      const named = new Map<string, Globalization>();
      this.#globalizations.set(feed, named);
      return named;
    }
    const byNamespace = this.#localizations.get(feed) ?? new Map<string, Map<string, Localization>>();
    const named = new Map<string, Localization>();
    this.#localizations.set(feed, byNamespace.set(object.metadata.namespace ?? '', named));
    return named;
  }
}

/** Whether nothing changed that selection or application look at. */
function sameOverride(a: Globalization | Localization, b: Globalization | Localization): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    stableStringify(a.spec) === stableStringify(b.spec)
  );
}
