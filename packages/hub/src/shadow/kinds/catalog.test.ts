// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { buildCatalog } from './catalog.ts';
import { customKind, type CustomResourceDefinition } from './customKinds.ts';
import { discoveredKinds } from './discovered.ts';
import { type ServedKind } from './servedKind.ts';

function kind(group: string, plural: string, more: Partial<ServedKind> = {}): ServedKind {
  const base = { group, version: 'v1', plural, singular: plural, kind: plural, namespaced: true };
  return { ...base, categories: [], custom: false, hasStatus: false, ...more };
}

const verbs = ['create', 'delete', 'get', 'list', 'watch'];

function group(name: string, versions: Record<string, string[]>): object {
  return {
    metadata: { name },
    versions: Object.entries(versions).map(([version, plurals]) => ({
      version,
      freshness: 'Current',
      resources: plurals.map((resource) => ({ resource, scope: 'Namespaced', verbs, responseKind: { kind: `${resource}Kind` } })),
    })),
  };
}

describe('the catalog', () => {
  const priorities = new Map([
    ['apps', 17_800],
    ['low.io', 10],
    ['high.io', 1000],
  ]);

  it('gives a plural to the group of the highest priority, and keeps the others apart', () => {
    const catalog = buildCatalog({
      kinds: [kind('low.io', 'things'), kind('high.io', 'things'), kind('apps', 'deployments')],
      priorities,
    });
    expect(catalog.find('things')?.group).toBe('high.io');
    expect(catalog.find('things.low.io')?.group).toBe('low.io');
    expect(catalog.find('things.high.io')?.group).toBe('high.io');
    expect(catalog.find('deployments.apps')?.group).toBe('apps');
    const listed = catalog.resources.filter(({ hidden }) => !hidden).map(({ name }) => name);
    expect(listed).toEqual(['deployments', 'things', 'things.high.io', 'things.low.io']);
  });

  it('gives the plural to the next group when the first is gone', () => {
    expect(buildCatalog({ kinds: [kind('low.io', 'things')], priorities }).find('things')?.group).toBe('low.io');
  });

  it('does not take a plural for the beginning of another', () => {
    const catalog = buildCatalog({ kinds: [kind('a.io', 'foosbar')], priorities });
    expect([catalog.find('foos'), catalog.find('foosbar')?.plural]).toEqual([undefined, 'foosbar']);
  });
});

describe('discovered kinds', () => {
  const options = { customGroups: new Set(['crd.io']), known: [] };

  it('come in the version that is preferred, without our own, metrics, and those of CRDs', () => {
    const groups = ['clusters.clusternet.io', 'shadow', 'metrics.k8s.io', 'crd.io'].map((name) =>
      group(name, { v1: ['things'] }),
    );
    const list = { items: [...groups, group('apps', { v2: ['deployments'], v1: ['deployments', 'olds'] })] };
    const found = discoveredKinds([list], options).map(({ group: name, version, plural }) => `${name}/${version}/${plural}`);
    expect(found).toEqual(['apps/v2/deployments', 'apps/v1/olds']);
  });

  it('that are nowhere after they were created are left out', () => {
    const review = { resource: 'reviews', scope: 'Cluster', verbs: ['create'], responseKind: { kind: 'Review' } };
    const list = { items: [{ metadata: { name: 'auth' }, versions: [{ version: 'v1', resources: [review] }] }] };
    expect(discoveredKinds([list], options)).toEqual([]);
  });

  it('stay while their API server does not answer', () => {
    const known = [kind('far.io', 'things')];
    const list = { items: [{ metadata: { name: 'far.io' }, versions: [{ version: 'v1', freshness: 'Stale' }] }] };
    expect(discoveredKinds([list], { ...options, known })).toEqual(known);
  });
});

describe('the kind of a CRD', () => {
  const crd = (o: { served?: boolean; established?: boolean; group?: string } = {}): CustomResourceDefinition => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'x' },
    spec: {
      group: o.group ?? 'example.io',
      scope: 'Cluster',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        { name: 'v2', served: true, storage: false },
        { name: 'v1', served: o.served ?? true, storage: true, subresources: { scale: { specReplicasPath: '.spec.count' } } },
      ],
    },
    status: { conditions: [{ type: 'Established', status: o.established === false ? 'False' : 'True' }] },
  });

  it('is of the version that is stored', () => {
    expect(customKind(crd())).toMatchObject({
      version: 'v1',
      namespaced: false,
      custom: true,
      scale: { replicas: ['spec', 'count'] },
    });
  });

  it('is none while it is not served, not established, or our own', () => {
    expect([crd({ served: false }), crd({ established: false }), crd({ group: 'apps.clusternet.io' })].map(customKind)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
