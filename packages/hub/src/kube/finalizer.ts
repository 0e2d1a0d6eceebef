// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { finalizers, type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import { isNotFound } from '@clusternet/client';
import { type Api } from './api.ts';

/**
 * Takes `apps.clusternet.io/finalizer` off an object; nothing happens when it does not carry it.
 *
 * @throws ApiError Conflict when the object changed since it was read: other finalizers must not get lost.
 */
export async function dropFinalizer(api: Api, definition: ResourceDefinition, object: KubeObject): Promise<void> {
  const { name, namespace, resourceVersion, finalizers: present } = object.metadata;
  if (!present?.includes(finalizers.default)) return;
  const rest = present.filter((finalizer) => finalizer !== finalizers.default);
  try {
    await api
      .resource(definition)
      .patch(
        { name, namespace },
        { metadata: { resourceVersion, finalizers: rest.length > 0 ? rest : null } },
        { type: 'merge' },
      );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The patch that adds the finalizer to an object as it was read, or `undefined` when it is there. */
export function finalizerPatch(object: KubeObject): unknown {
  const { finalizers: present = [], resourceVersion } = object.metadata;
  if (present.includes(finalizers.default)) return undefined;
  return { metadata: { resourceVersion, finalizers: [...present, finalizers.default] } };
}
