// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { type KubeClient, type ObjectRef, type RestMapper } from '@clusternet/client';
import { omit } from './omit.ts';

/** What the deployer needs of a client of the child. */
export type ChildApi = Pick<KubeClient, 'resource' | 'request'> & { readonly mapper: Pick<RestMapper, 'resourceFor'> };

/** Where an object is in the child. */
export interface Target {
  definition: ResourceDefinition;
  ref: ObjectRef;
}

/**
 * Address of an object of a known kind. Like kubectl, an object of a namespaced kind that names no namespace goes to
 * `default`, and the namespace of a cluster-scoped one is ignored.
 */
export function targetOf(definition: ResourceDefinition, object: { name: string; namespace?: string }): Target {
  const { name, namespace } = object;
  return { definition, ref: definition.namespaced ? { name, namespace: namespace || 'default' } : { name } };
}

/** Key of {@link Target}, unique in the child. */
export function targetKey({ definition, ref }: Target): string {
  return `${resourceKey(definition)}/${ref.namespace ?? ''}/${ref.name}`;
}

/** Key of a resource: `group/version/plural`. */
export function resourceKey({ group, version, resource }: ResourceDefinition): string {
  return `${group}/${version}/${resource}`;
}

/** `object` as it is sent to its target: in the target's namespace. */
export function placedAt(object: KubeObject, { ref }: Target): KubeObject {
  if (object.metadata.namespace === ref.namespace) return object;
  const metadata = omit(object.metadata, 'namespace');
  return { ...object, metadata: { ...metadata, ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }) } };
}
