// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';

/** A JSON Schema, as far as Kubernetes and our schemas use it. */
export interface JsonSchema {
  type?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  [keyword: string]: unknown;
}

/** zod states the range of safe integers; to the API server the format says what is needed. */
const IMPLIED_BOUNDS = new Set([Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);

/** JSON Schema (draft 2020-12) of a zod schema, of what may be sent: fields with a default are not required. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return tidy(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);
}

/**
 * The structural schema of a zod schema: the subset of OpenAPI v3 that CRDs must keep to. `additionalProperties` never
 * stands beside `properties`, every node has a type, and int-or-string has the one form that the API server knows.
 */
export function structuralSchemaOf(schema: z.ZodType): JsonSchema {
  return structural(without(jsonSchemaOf(schema), '$schema'));
}

function tidy(node: JsonSchema): JsonSchema {
  const rest = without(mapChildren(node, tidy), 'propertyNames');
  // An empty schema allows everything, and so does its absence.
  if (isEmpty(rest.additionalProperties)) delete rest.additionalProperties;
  if (rest.type === 'integer') {
    if (IMPLIED_BOUNDS.has(rest.minimum ?? NaN)) delete rest.minimum;
    if (IMPLIED_BOUNDS.has(rest.maximum ?? NaN)) delete rest.maximum;
  }
  // JavaScript escapes the slash in the source of a pattern; nobody else needs it.
  if (rest.pattern !== undefined) rest.pattern = rest.pattern.replaceAll('\\/', '/');
  return rest;
}

function structural(node: JsonSchema): JsonSchema {
  if (node['x-kubernetes-int-or-string'] === true) return { ...node, anyOf: [{ type: 'integer' }, { type: 'string' }] };
  return mapChildren(node, structural);
}

function mapChildren(node: JsonSchema, change: (child: JsonSchema) => JsonSchema): JsonSchema {
  const result = { ...node };
  if (node.properties !== undefined) {
    result.properties = Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, change(child)]));
  }
  if (typeof node.additionalProperties === 'object') result.additionalProperties = change(node.additionalProperties);
  if (node.items !== undefined) result.items = change(node.items);
  if (node.anyOf !== undefined) result.anyOf = node.anyOf.map(change);
  return result;
}

/** A copy without one keyword. */
export function without(node: JsonSchema, keyword: string): JsonSchema {
  const copy = { ...node };
  delete copy[keyword];
  return copy;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
