// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';

/** A CustomResourceDefinition for this resource, whose objects may hold anything. */
export function customKind(
  { group, version, resource, kind, namespaced }: ResourceDefinition,
  subresources?: object,
): KubeObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { plural: resource, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema, ...(subresources && { subresources }) }],
    },
  };
}
