// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition } from '@clusternet/api-types';
import { ApiError, isNotFound } from './apiError.ts';
import { joinApiVersion, splitApiVersion } from './resourceDefinition.ts';

/** Gets a server path as JSON; `accept` says in which form. */
export type DiscoveryFetch = (path: string, accept: string) => Promise<unknown>;

/** The kinds of one group and version. */
export type Kinds = Map<string, ResourceDefinition>;

/** What a server serves, as far as it could tell. */
export interface Discovery {
  /** By apiVersion, preferred versions of a group first. */
  versions: Map<string, Kinds>;
  /** apiVersions whose aggregated API server did not answer: what they serve is not known, which is not the same as nothing. */
  stale: string[];
}

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean; group?: string; version?: string }[];
}

interface AggregatedList {
  kind?: string;
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      freshness?: string;
      resources?: { resource: string; scope: string; responseKind?: { group?: string; version?: string; kind?: string } }[];
    }[];
  }[];
}

interface ClassicGroups {
  versions?: string[];
  groups?: { versions?: { groupVersion: string }[] }[];
}

const json = 'application/json';
/** Servers without aggregated discovery (before 1.27) answer with the classic form, as the second choice says. */
const aggregated = `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,${json}`;

/** What one group and version serves; undefined when the server does not have it. */
export async function discoverVersion(fetch: DiscoveryFetch, apiVersion: string): Promise<Kinds | undefined> {
  try {
    return kindsOf(apiVersion, (await fetch(versionPath(apiVersion), json)) as ResourceList);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Everything a server serves: two requests with aggregated discovery, one per group and version with servers that lack it. */
export async function discoverAll(fetch: DiscoveryFetch): Promise<Discovery> {
  const result: Discovery = { versions: new Map(), stale: [] };
  for (const root of ['/api', '/apis']) {
    const answer = (await fetch(root, aggregated)) as AggregatedList & ClassicGroups;
    if (answer.kind === 'APIGroupDiscoveryList') readAggregated(answer, result);
    else await readClassic(fetch, answer, result);
  }
  return result;
}

function readAggregated(list: AggregatedList, result: Discovery): void {
  for (const item of list.items ?? []) {
    const group = item.metadata?.name ?? '';
    for (const { version, freshness, resources = [] } of item.versions ?? []) {
      const apiVersion = joinApiVersion({ group, version });
      if (freshness === 'Stale') result.stale.push(apiVersion);
      else result.versions.set(apiVersion, aggregatedKinds(group, version, resources));
    }
  }
}

function aggregatedKinds(
  group: string,
  version: string,
  resources: { resource: string; scope: string; responseKind?: { group?: string; version?: string; kind?: string } }[],
): Kinds {
  const kinds: Kinds = new Map();
  for (const { resource, scope, responseKind } of resources) {
    const kind = responseKind?.kind;
    if (kind && !kinds.has(kind)) kinds.set(kind, { group, version, resource, kind, namespaced: scope === 'Namespaced' });
  }
  return kinds;
}

async function readClassic(fetch: DiscoveryFetch, groups: ClassicGroups, result: Discovery): Promise<void> {
  const apiVersions = [
    ...(groups.versions ?? []),
    ...(groups.groups ?? []).flatMap((g) => g.versions?.map((v) => v.groupVersion) ?? []),
  ];
  const found = await Promise.all(
    apiVersions.map((apiVersion) =>
      discoverVersion(fetch, apiVersion).catch((error: unknown) => {
        if (error instanceof ApiError && error.status >= 500) return 'stale' as const;
        throw error;
      }),
    ),
  );
  for (const [i, apiVersion] of apiVersions.entries()) {
    const kinds = found[i];
    if (kinds === 'stale') result.stale.push(apiVersion);
    else if (kinds) result.versions.set(apiVersion, kinds);
  }
}

function kindsOf(apiVersion: string, list: ResourceList): Kinds {
  const { group, version } = splitApiVersion(apiVersion);
  const kinds: Kinds = new Map();
  for (const { name, kind, namespaced } of list.resources ?? []) {
    // Subresources such as pods/status are named with their resource and may repeat its kind.
    if (!name.includes('/') && !kinds.has(kind)) kinds.set(kind, { group, version, resource: name, kind, namespaced });
  }
  return kinds;
}

function versionPath(apiVersion: string): string {
  const { group, version } = splitApiVersion(apiVersion);
  const escaped = [group, version].filter((part) => part !== '').map(encodeURIComponent);
  return `${group === '' ? '/api' : '/apis'}/${escaped.join('/')}`;
}
