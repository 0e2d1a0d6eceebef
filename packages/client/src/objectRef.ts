// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';

/** Names one object of a known kind. Cluster-scoped objects have no namespace. */
export interface ObjectRef {
  name: string;
  namespace?: string;
}

/** Key of an object in queues and caches: `namespace/name`, or `name` for cluster-scoped objects. */
export function objectKey(object: KubeObject | ObjectRef): string {
  const { name, namespace }: Partial<ObjectRef> = isObject(object) ? object.metadata : object;
  return namespace ? `${namespace}/${name ?? ''}` : (name ?? '');
}

/** The inverse of {@link objectKey}. Names of Kubernetes objects never hold a slash. */
export function parseKey(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function isObject(value: KubeObject | ObjectRef): value is KubeObject {
  return 'metadata' in value;
}
