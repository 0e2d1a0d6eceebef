// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster } from '@clusternet/api-types';

/** A ManagedCluster as far as overrides look at it; its heartbeats change the rest all the time. */
export function onlyLabels({ apiVersion, kind, metadata, spec }: ManagedCluster): ManagedCluster {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion, labels }, spec };
}
