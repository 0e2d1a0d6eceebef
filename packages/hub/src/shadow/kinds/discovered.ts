// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ServedKind } from './servedKind.ts';
import { isTemplated } from './catalog.ts';

/** The parts of `APIGroupDiscoveryList` that are read. */
export interface GroupDiscoveryList {
  items?: {
    metadata?: { name?: string };
    versions?: { version: string; freshness?: string; resources?: DiscoveredResource[] }[];
  }[];
}

interface DiscoveredResource {
  resource: string;
  scope: string;
  singularResource?: string;
  verbs?: string[];
  categories?: string[];
  responseKind?: { group?: string; version?: string; kind?: string };
  subresources?: { subresource: string }[];
}

/** Kinds whose numbers stand elsewhere have no scale subresource. */
const replicas = { replicas: ['spec', 'replicas'], selector: ['spec', 'selector'] };

/**
 * The kinds that discovery lists and that can be stored, each in the version that its group prefers.
 *
 * @param customGroups - groups whose kinds come from CRDs
 * @param known - what an API server that does not answer now served before
 */
export function discoveredKinds(
  lists: readonly GroupDiscoveryList[],
  o: { customGroups: ReadonlySet<string>; known: readonly ServedKind[] },
): ServedKind[] {
  const found = new Map<string, ServedKind>();
  for (const { metadata, versions = [] } of lists.flatMap(({ items = [] }) => items)) {
    const group = metadata?.name ?? '';
    if (!isTemplated(group) || o.customGroups.has(group)) continue;
    for (const { version, freshness, resources = [] } of versions) {
      const stale = o.known.filter((kind) => freshness === 'Stale' && kind.group === group && kind.version === version);
      const current = resources.flatMap((resource) => kindOf(resource, { group, version }) ?? []);
      for (const kind of [...current, ...stale]) {
        const key = `${group}/${kind.plural}`;
        if (!found.has(key)) found.set(key, kind);
      }
    }
  }
  return [...found.values()];
}

function kindOf(resource: DiscoveredResource, { group, version }: { group: string; version: string }): ServedKind | undefined {
  const { verbs = [], responseKind, subresources = [], categories = [] } = resource;
  const kind = responseKind?.kind;
  // Reviews and bindings can be created, but are nowhere afterwards; APIServices would change what the children serve.
  const stored = ['create', 'get', 'list', 'delete'].every((verb) => verbs.includes(verb));
  if (!kind || !stored || (group === 'apiregistration.k8s.io' && resource.resource === 'apiservices')) return undefined;
  const has = (name: string): boolean => subresources.some(({ subresource }) => subresource === name);
  return {
    group,
    version,
    plural: resource.resource,
    singular: resource.singularResource ?? kind.toLowerCase(),
    kind,
    namespaced: resource.scope === 'Namespaced',
    categories,
    custom: false,
    hasStatus: has('status'),
    ...(has('scale') && { scale: replicas }),
  };
}
