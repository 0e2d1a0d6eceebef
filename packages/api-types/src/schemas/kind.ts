// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';
import { apiVersionOf, type ResourceDefinition } from '../resources.ts';
import { objectMetaSchema } from './common.ts';
import { object } from './dsl.ts';

/** `apiVersion` and `kind` are any string to the compiler, so that objects can be built from a ResourceDefinition. */
function literal(value: string, description: string): z.ZodType<string, string> {
  return z.literal(value).meta({ description });
}

/** The schema of a whole object of one kind: type, metadata and the given parts (`spec`, `status`, ...). */
export function kindOf<S extends z.ZodRawShape>(definition: ResourceDefinition, description: string, parts: S) {
  return object(description, {
    apiVersion: literal(apiVersionOf(definition), 'Version of the schema of this object.'),
    kind: literal(definition.kind, 'Kind of this object.'),
    metadata: objectMetaSchema,
    ...parts,
  });
}
