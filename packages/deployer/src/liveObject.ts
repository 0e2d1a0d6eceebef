// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type KubeObject } from '@clusternet/api-types';
import { hashObject } from './hash.ts';
import { omit } from './omit.ts';

/** Field in which {@link toLiveObject} keeps the hash of everything it drops. */
const contentField = 'clusternetContent';

/**
 * What is kept in memory of an object in the child: its identity, its owner
 * and its status. Of all the rest only a hash (when
 * `content` is set), which shows that somebody changed the object.
 */
export function toLiveObject(object: KubeObject, content: boolean): KubeObject {
  const { name, namespace, uid, resourceVersion, deletionTimestamp } = object.metadata;
  const owner = object.metadata.annotations?.[annotations.ownedByDescription];
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      deletionTimestamp,
      ...(owner === undefined ? {} : { annotations: { [annotations.ownedByDescription]: owner } }),
    },
    status: object['status'],
    ...(content ? { [contentField]: contentHash(object) } : {}),
  };
}

/** Hash of what somebody may change in an object: all but its status and the metadata that the API server fills in. */
export function contentHash(object: KubeObject): string {
  const { labels, annotations: notes, finalizers } = object.metadata;
  return hashObject({ ...omit(object, 'status'), metadata: { labels, annotations: notes, finalizers } } as unknown as KubeObject);
}

/** The hash kept by {@link toLiveObject}; undefined when it was not asked for. */
export function contentOf(live: KubeObject): string | undefined {
  return live[contentField] as string | undefined;
}

/** Whether `a` is the same state as the one of resourceVersion `b` or an older one; false when they cannot be compared. */
export function isNotNewer(a: { metadata: { resourceVersion?: string } }, b: string | undefined): boolean {
  const version = a.metadata.resourceVersion;
  if (version === undefined || b === undefined) return false;
  return /^\d+$/.test(version) && /^\d+$/.test(b) ? BigInt(version) <= BigInt(b) : version === b;
}
