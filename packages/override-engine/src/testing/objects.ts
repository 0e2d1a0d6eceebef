// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import {
  type Base,
  type Description,
  type Feed,
  finalizers,
  type Globalization,
  type KubeObject,
  labels,
  type Localization,
  type ManagedCluster,
  type Manifest,
  type OverrideConfig,
} from '@clusternet/api-types';

export const dedicated = 'clusternet-abcde';
/** Namespace of the Manifests and of earlier revisions. */
export const reserved = 'clusternet-reserved';

export const configMap = (name: string, data: Record<string, string> = { a: '1' }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop' },
  data,
});

/** The feed of {@link configMap}. */
export const feedTo = (name: string): Feed => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name });

export const manifest = (template: KubeObject, metadata: Partial<Manifest['metadata']> = {}): Manifest => ({
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'Manifest',
  metadata: { name: `configmaps.shop.${template.metadata.name}`, namespace: reserved, ...metadata },
  template,
});

export const base = (name: string, feeds: Feed[], metadata: Partial<Base['metadata']> = {}): Base => ({
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'Base',
  metadata: {
    name,
    namespace: dedicated,
    uid: `uid-${name}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    finalizers: [finalizers.default],
    labels: { [labels.subsName]: 'app', [labels.subsUid]: 'uid-app', [labels.clusterId]: 'id-1', mine: 'x' },
    ...metadata,
  },
  spec: { feeds },
});

/** The objects of a Description. */
export function objectsOf(description: Description | undefined): KubeObject[] {
  return (description?.spec.raw ?? []).map((raw) => JSON.parse(Buffer.from(raw, 'base64').toString('utf8')) as KubeObject);
}

/** The names of the objects of a Description. */
export function namesIn(description: Description | undefined): string[] {
  return objectsOf(description).map(({ metadata }) => metadata.name);
}

/** Text that gives an object of about this many bytes once encoded. */
export function textFor(encodedBytes: number): string {
  return 'x'.repeat(Math.max(0, Math.floor((encodedBytes * 3) / 4) - 100));
}

/** A Globalization of {@link configMap} `feed`. */
export const globalization = (
  name: string,
  { feed = 'a', metadata = {}, ...spec }: Partial<Omit<Globalization['spec'], 'feed'>> & { feed?: string; metadata?: object },
): Globalization => ({
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'Globalization',
  metadata: { name, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
  spec: { overridePolicy: 'ApplyNow', feed: feedTo(feed), ...spec },
});

/** A Localization of {@link configMap} `feed`. */
export const localization = (
  name: string,
  { feed = 'a', metadata = {}, ...spec }: Partial<Omit<Localization['spec'], 'feed'>> & { feed?: string; metadata?: object },
): Localization => ({
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'Localization',
  metadata: { name, namespace: dedicated, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
  spec: { overridePolicy: 'ApplyNow', feed: feedTo(feed), ...spec },
});

/** Sets data of a ConfigMap. */
export const setData = (data: Record<string, string | null>): OverrideConfig => ({
  type: 'MergePatch',
  value: JSON.stringify({ data }),
});

/** A cluster with these labels. */
export const cluster = (labels: Record<string, string>, namespace = dedicated): ManagedCluster =>
  ({
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { name: namespace === dedicated ? 'child' : namespace, namespace, labels },
    spec: {},
  }) as unknown as ManagedCluster;
