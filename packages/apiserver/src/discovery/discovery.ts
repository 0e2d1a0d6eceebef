// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ApiResource, type ServedVersion } from './apiResource.ts';

/** `/apis`. */
export function groupList(served: readonly ServedVersion[]): object {
  const groups = groupNames(served).map((group) => groupEntry(served, group));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/GROUP`; undefined when it is not served. */
export function groupDocument(served: readonly ServedVersion[], group: string): object | undefined {
  if (!groupNames(served).includes(group)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(served, group) };
}

/** `/apis/GROUP/VERSION`. */
export function resourceList({ group, version, resources }: ServedVersion): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/${version}`,
    resources: listed(resources()).flatMap(entries),
  };
}

/** `/apis` for clients that ask for everything at once. */
export function aggregatedDiscovery(served: readonly ServedVersion[], apiVersion: 'v2' | 'v2beta1'): object {
  const items = groupNames(served).map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: served
      .filter((one) => one.group === group)
      .map(({ version, resources }) => ({
        version,
        resources: listed(resources()).map((resource) => aggregatedEntry(resource, { group, version })),
        freshness: 'Current',
      })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${apiVersion}`, metadata: {}, items };
}

/** What is served without being listed is left out. */
function listed(resources: readonly ApiResource[]): ApiResource[] {
  return resources
    .filter(({ hidden }) => !hidden)
    .map((resource) => ({ ...resource, subresources: resource.subresources?.filter(({ hidden }) => !hidden) }));
}

function groupNames(served: readonly ServedVersion[]): string[] {
  return [...new Set(served.map(({ group }) => group))];
}

function groupEntry(served: readonly ServedVersion[], group: string): object {
  const versions = served
    .filter((one) => one.group === group)
    .map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function entries(resource: ApiResource): object[] {
  const { name, singularName, kind, namespaced, verbs, shortNames, categories, subresources = [] } = resource;
  return [
    {
      name,
      singularName,
      namespaced,
      ...(resource.group !== undefined && { group: resource.group }),
      ...(resource.version !== undefined && { version: resource.version }),
      kind,
      verbs,
      ...(shortNames && { shortNames }),
      ...(categories && { categories }),
    },
    ...subresources.map((sub) => ({
      name: `${name}/${sub.name}`,
      singularName: '',
      namespaced,
      ...(sub.group !== undefined && { group: sub.group }),
      ...(sub.version !== undefined && { version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ];
}

function aggregatedEntry(resource: ApiResource, { group, version }: { group: string; version: string }): object {
  const { name, singularName, kind, namespaced, verbs, shortNames, categories, subresources = [] } = resource;
  return {
    resource: name,
    responseKind: { group: resource.group ?? group, version: resource.version ?? version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singularName,
    verbs,
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((sub) => ({
        subresource: sub.name,
        responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind },
        verbs: sub.verbs,
      })),
    }),
  };
}
