// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parseAccept, takesJson } from '../discovery/accept.ts';
import { StatusError } from '../request/statusError.ts';

/** In which form a client wants objects. */
export type Representation =
  | { as: 'object' }
  | { as: 'metadata'; version: string }
  | { as: 'table'; version: string; include: 'None' | 'Metadata' | 'Object' };

const metaVersions = ['v1', 'v1beta1'];

/**
 * The form that an Accept header and `includeObject` ask for: whole objects, their metadata, or a table for printing.
 *
 * @throws StatusError 406 when nothing of what the client takes can be given, 400 for an unknown `includeObject`
 */
export function representation(accept: string | undefined, rawQuery: string): Representation {
  for (const accepted of parseAccept(accept)) {
    if (!takesJson(accepted)) continue;
    const { as, g, v = '' } = accepted.parameters;
    if (as === undefined) return { as: 'object' };
    if (g !== 'meta.k8s.io' || !metaVersions.includes(v)) continue;
    if (as === 'Table') return { as: 'table', version: v, include: included(rawQuery) };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { as: 'metadata', version: v };
  }
  throw new StatusError(
    406,
    'only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io, ' +
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  );
}

function included(rawQuery: string): 'None' | 'Metadata' | 'Object' {
  const value = new URLSearchParams(rawQuery).get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw new StatusError(400, `unrecognized includeObject value: "${value}"`);
}
