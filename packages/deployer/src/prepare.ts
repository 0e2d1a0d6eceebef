// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { annotations, createdBy, labels, type KubeObject, serverMetadata } from '@clusternet/api-types';
import { omit } from './omit.ts';
import { type Owner, ownerText } from './ownership.ts';

const ownAnnotations = [
  'kubectl.kubernetes.io/last-applied-configuration',
  annotations.lastAppliedConfiguration,
  annotations.ownedByDescription,
  annotations.appliedHash,
  annotations.adopted,
];

/**
 * What a rendered object asks the child for: without the fields that API servers fill in, without status, and with a
 * Secret's write-only `stringData` turned into the `data` that can be compared later.
 */
export function trimObject(object: KubeObject): KubeObject {
  const metadata: Record<string, unknown> = { ...object.metadata };
  for (const field of serverMetadata) delete metadata[field];
  const kept = Object.entries(object.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.includes(key));
  if (kept.length > 0) metadata['annotations'] = Object.fromEntries(kept);
  else delete metadata['annotations'];
  const trimmed = { ...omit(object, 'status'), metadata } as KubeObject;
  return trimmed.apiVersion === 'v1' && trimmed.kind === 'Secret' ? withoutStringData(trimmed) : trimmed;
}

/** The body of the server-side apply of a {@link trimObject trimmed} object: with its owner and the hash to compare with later. */
export function toApply(trimmed: KubeObject, o: { owner: Owner; hash: string; adopted: boolean; uid?: string }): KubeObject {
  return {
    ...trimmed,
    metadata: {
      ...trimmed.metadata,
      // With the UID of an object that is gone the API server refuses instead of making another one.
      ...(o.uid === undefined ? {} : { uid: o.uid }),
      labels: { ...trimmed.metadata.labels, [labels.createdBy]: createdBy.hub },
      annotations: {
        ...trimmed.metadata.annotations,
        [annotations.ownedByDescription]: ownerText(o.owner),
        [annotations.appliedHash]: o.hash,
        ...(o.adopted ? { [annotations.adopted]: 'true' } : {}),
      },
    },
  };
}

function withoutStringData(secret: KubeObject): KubeObject {
  const { stringData } = secret;
  if (typeof stringData !== 'object' || stringData === null) return secret;
  const data = { ...(secret['data'] as Record<string, string> | undefined) };
  for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(String(value)).toString('base64');
  return { ...(omit(secret, 'stringData') as KubeObject), data };
}
