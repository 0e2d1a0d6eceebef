// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type KubeObject, type Manifest } from '@clusternet/api-types';

const fromManifest = ['uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** A template as it is shown: what an API server sets comes from its Manifest. */
export function shadowObject(manifest: Manifest): KubeObject {
  const { apiVersion, kind, metadata: own, ...rest } = manifest.template;
  const metadata: Record<string, unknown> = { ...own };
  for (const field of fromManifest) {
    if (manifest.metadata[field] === undefined) delete metadata[field];
    else metadata[field] = manifest.metadata[field];
  }
  const blocked = manifest.metadata.annotations?.[annotations.feedProtection];
  if (blocked !== undefined) metadata['annotations'] = { ...own.annotations, [annotations.feedProtection]: blocked };
  return { apiVersion, kind, metadata, ...rest } as KubeObject;
}
