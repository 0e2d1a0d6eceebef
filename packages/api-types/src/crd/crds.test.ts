// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { apiVersionOf, resources } from '../resources.ts';
import { crds } from './crds.ts';
import type { JsonSchema } from './structuralSchema.ts';

const schemaOf = (plural: string): JsonSchema => {
  const crd = crds().find(({ spec }) => spec.names.plural === plural);
  return crd?.spec.versions[0]?.schema.openAPIV3Schema ?? {};
};

const at = (schema: JsonSchema, ...path: string[]): JsonSchema =>
  path.reduce<JsonSchema>((node, name) => (name === '[]' ? node.items : node.properties?.[name]) ?? {}, schema);

function* nodes(schema: JsonSchema, path = ''): Generator<[string, JsonSchema]> {
  yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* nodes(child, `${path}.${name}`);
  if (schema.items !== undefined) yield* nodes(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') yield* nodes(schema.additionalProperties, `${path}{}`);
}

describe('crds', () => {
  it('has one for every kind but Socket, which the hub serves', () => {
    const stored = Object.values(resources).filter(({ kind }) => kind !== 'Socket');
    expect(crds().map(({ spec }) => `${spec.group}/${spec.versions[0]?.name} ${spec.names.kind} ${spec.scope}`)).toEqual(
      stored.map(
        (definition) => `${apiVersionOf(definition)} ${definition.kind} ${definition.namespaced ? 'Namespaced' : 'Cluster'}`,
      ),
    );
  });

  it.each(crds().map(({ spec }) => [spec.names.plural, spec.versions[0]?.schema.openAPIV3Schema ?? {}] as const))(
    '%s: every field has a description, every pattern is anchored',
    (_plural, schema) => {
      const all = [...nodes(schema)].filter(([path]) => path !== '.metadata');
      expect(all.filter(([, node]) => !node.description).map(([path]) => path)).toEqual([]);
      expect(
        all.filter(([, node]) => node.pattern !== undefined && !/^\^.*\$$/s.test(node.pattern)).map(([path]) => path),
      ).toEqual([]);
    },
  );

  it('gives one limit for names of clusters everywhere', () => {
    expect(at(schemaOf('clusterregistrationrequests'), 'spec', 'clusterName').maxLength).toBe(60);
    const details = at(schemaOf('subscriptions'), 'status', 'aggregatedStatuses', '[]', 'feedStatusDetails', '[]');
    expect(at(details, 'clusterName').maxLength).toBe(60);
  });

  it('merges conditions by type', () => {
    for (const plural of ['managedclusters', 'subscriptions', 'descriptions', 'serviceexports']) {
      expect(at(schemaOf(plural), 'status', 'conditions')).toMatchObject({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      });
    }
  });

  it('has a status subresource where the status is written apart', () => {
    const apart = crds().filter(({ spec }) => spec.versions[0]?.subresources !== undefined);
    expect(apart.map(({ spec }) => spec.names.kind)).toEqual([
      'ClusterRegistrationRequest',
      'ManagedCluster',
      'Subscription',
      'Description',
      'Localization',
      'Globalization',
      'HelmChart',
      'HelmRelease',
      'ServiceExport',
      'ServiceImport',
    ]);
  });
});
