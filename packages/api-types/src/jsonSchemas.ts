// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type JsonSchema, jsonSchemaOf } from './crd/structuralSchema.ts';
import { type ResourceKey, resources } from './resources.ts';
import { schemas } from './schemas/all.ts';

/** A JSON Schema and the place it is published under. */
export interface PublishedSchema {
  /** `<group>/<kind in lower case>_<version>.json`: the layout that schema catalogues and kubeconform use. */
  path: string;
  schema: JsonSchema;
}

/** JSON Schemas (draft 2020-12) of every kind, for editors and validators that are not zod. */
export function jsonSchemas(): PublishedSchema[] {
  return (Object.keys(resources) as ResourceKey[]).map((key) => {
    const { group, version, kind } = resources[key];
    return { path: `${group}/${kind.toLowerCase()}_${version}.json`, schema: { title: kind, ...jsonSchemaOf(schemas[key]) } };
  });
}
