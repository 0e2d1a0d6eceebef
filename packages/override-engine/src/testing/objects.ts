// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import {
  type Base,
  type Description,
  type Feed,
  finalizers,
  type KubeObject,
  labels,
  type Manifest,
} from '@clusternet/api-types';

export const dedicated = 'clusternet-abcde';

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
  metadata: { name: `configmaps.shop.${template.metadata.name}`, namespace: 'clusternet-reserved', ...metadata },
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
