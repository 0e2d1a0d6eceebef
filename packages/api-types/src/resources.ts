// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { groups, versions } from './wellKnown.ts';

/** Names one resource of an API server: enough to build its URLs and to fill in `apiVersion` and `kind`. */
export interface ResourceDefinition {
  /** `''` for the core group. */
  group: string;
  version: string;
  /** Plural, as in URLs. */
  resource: string;
  kind: string;
  namespaced: boolean;
}

/** `group/version`, or only the version for the core group. */
export function apiVersionOf(definition: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
}

const clusters = { group: groups.clusters, version: versions.clusters };
const apps = { group: groups.apps, version: versions.apps };
const proxies = { group: groups.proxies, version: versions.proxies };
const multicluster = { group: groups.multicluster, version: versions.multicluster };

/** Every resource of Clusternet. */
export const resources = {
  clusterRegistrationRequests: {
    ...clusters,
    resource: 'clusterregistrationrequests',
    kind: 'ClusterRegistrationRequest',
    namespaced: false,
  },
  managedClusters: { ...clusters, resource: 'managedclusters', kind: 'ManagedCluster', namespaced: true },
  manifests: { ...apps, resource: 'manifests', kind: 'Manifest', namespaced: true },
  subscriptions: { ...apps, resource: 'subscriptions', kind: 'Subscription', namespaced: true },
  bases: { ...apps, resource: 'bases', kind: 'Base', namespaced: true },
  descriptions: { ...apps, resource: 'descriptions', kind: 'Description', namespaced: true },
  localizations: { ...apps, resource: 'localizations', kind: 'Localization', namespaced: true },
  globalizations: { ...apps, resource: 'globalizations', kind: 'Globalization', namespaced: false },
  helmCharts: { ...apps, resource: 'helmcharts', kind: 'HelmChart', namespaced: true },
  helmReleases: { ...apps, resource: 'helmreleases', kind: 'HelmRelease', namespaced: true },
  feedInventories: { ...apps, resource: 'feedinventories', kind: 'FeedInventory', namespaced: true },
  sockets: { ...proxies, resource: 'sockets', kind: 'Socket', namespaced: false },
  serviceExports: { ...multicluster, resource: 'serviceexports', kind: 'ServiceExport', namespaced: true },
  serviceImports: { ...multicluster, resource: 'serviceimports', kind: 'ServiceImport', namespaced: true },
} as const satisfies Record<string, ResourceDefinition>;

/** Key of {@link resources}. */
export type ResourceKey = keyof typeof resources;
