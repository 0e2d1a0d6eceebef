// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { categories, groups } from '@clusternet/api-types';
import { type ApiResource } from '@clusternet/apiserver';
import { type ServedKind } from './servedKind.ts';

/** What is served, by the names that it is served under. */
export interface Catalog {
  find(resource: string): ServedKind | undefined;
  readonly kinds: readonly ServedKind[];
  readonly resources: readonly ApiResource[];
}

/** Input of {@link buildCatalog}. */
export interface CatalogInput {
  kinds: readonly ServedKind[];
  /** `groupPriorityMinimum` of the APIServices, by group. */
  priorities: ReadonlyMap<string, number>;
}

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const skippedGroups = new Set([groups.shadow, 'metrics.k8s.io', 'custom.metrics.k8s.io', 'external.metrics.k8s.io']);

/** Whether a group has templates: not our own objects, and nothing that is only read. */
export function isTemplated(group: string): boolean {
  return !skippedGroups.has(group) && group !== 'clusternet.io' && !group.endsWith('.clusternet.io');
}

/**
 * Puts the kinds of all groups into one.
 *
 * @remarks
 * Each kind is served under its plural, and under `PLURAL.GROUP`. Where groups share a plural, the one with the highest priority has it
 * alone, and discovery lists the qualified names of all of them; the others cannot be taken for one another then.
 */
export function buildCatalog({ kinds, priorities }: CatalogInput): Catalog {
  const ordered = kinds.toSorted((a, b) => before(a, b, priorities));
  const byName = new Map<string, ServedKind>();
  const shared = new Set<string>();
  for (const kind of ordered) {
    if (byName.has(kind.plural)) shared.add(kind.plural);
    else byName.set(kind.plural, kind);
  }
  const resources = ordered.flatMap((kind) => {
    const owner = byName.get(kind.plural) === kind;
    const qualified = kind.group === '' ? undefined : `${kind.plural}.${kind.group}`;
    if (qualified !== undefined && !byName.has(qualified)) byName.set(qualified, kind);
    return [
      ...(owner ? [resourceOf(kind, kind.plural)] : []),
      ...(qualified === undefined ? [] : [{ ...resourceOf(kind, qualified), hidden: !shared.has(kind.plural) }]),
    ];
  });
  return { kinds: ordered, resources, find: (name) => byName.get(name) };
}

function before(a: ServedKind, b: ServedKind, priorities: ReadonlyMap<string, number>): number {
  const priority = (kind: ServedKind): number => priorities.get(kind.group) ?? (kind.group === '' ? Infinity : 0);
  const higher = priority(b) - priority(a);
  if (higher !== 0 && !Number.isNaN(higher)) return higher;
  if (a.custom !== b.custom) return a.custom ? 1 : -1;
  return `${a.group}/${a.plural}` < `${b.group}/${b.plural}` ? -1 : 1;
}

function resourceOf(kind: ServedKind, name: string): ApiResource {
  const { group, version } = kind;
  const qualified = name !== kind.plural;
  return {
    name,
    // Singular names belong to one resource only. Short ones are the real resources': kubectl warns of each that is not unique.
    singularName: qualified ? '' : kind.singular,
    kind: kind.kind,
    namespaced: kind.namespaced,
    group,
    version,
    verbs,
    categories: [categories.shadow],
    subresources: [
      ...(kind.scale
        ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] }]
        : []),
      ...(kind.hasStatus
        ? [{ name: 'status', kind: kind.kind, group, version, verbs: ['get', 'patch', 'update'], hidden: true }]
        : []),
    ],
  };
}
