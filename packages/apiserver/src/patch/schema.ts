// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, type JsonObject, ownKey } from './json.ts';

/** How the items of a list belong together. */
export type ListKind = { type: 'atomic' } | { type: 'set' } | { type: 'map'; keys: readonly string[] };

/** What a kind's OpenAPI v3 schema says about merging, at one place of an object. */
export interface MergeSchema {
  /** Of a property of this name, declared or additional; a schema that knows nothing for the rest. */
  field(name: string): MergeSchema;
  /** Whether the property is declared by name. */
  declares(name: string): boolean;
  items(): MergeSchema;
  list(): ListKind;
  /** Whether an object is taken or left as a whole. */
  atomicMap(): boolean;
  /** Strategic merge: `merge`, `replace`, `retainKeys`. */
  strategies(): readonly string[];
  mergeKey(): string | undefined;
  /** The value that a key of a list item has when it is left out. */
  defaultOf(name: string): unknown;
}

const maxDepth = 8;

/**
 * Reads the merge rules of a kind.
 *
 * @param components - `components.schemas` of the document
 */
export function mergeSchema(schema: unknown, components: JsonObject): MergeSchema {
  return new OpenApiSchema(isObject(schema) ? schema : {}, components);
}

class OpenApiSchema implements MergeSchema {
  readonly #own: JsonObject;
  readonly #resolved: JsonObject;
  readonly #components: JsonObject;

  constructor(own: JsonObject, components: JsonObject) {
    this.#own = own;
    this.#components = components;
    this.#resolved = resolve(own, components, 0);
  }

  field(name: string): MergeSchema {
    const properties = this.#resolved['properties'];
    const declared = isObject(properties) ? ownKey(properties, name) : undefined;
    return this.#child(declared ?? this.#resolved['additionalProperties']);
  }

  declares(name: string): boolean {
    const properties = this.#resolved['properties'];
    return isObject(properties) && Object.hasOwn(properties, name);
  }

  items(): MergeSchema {
    return this.#child(this.#resolved['items']);
  }

  list(): ListKind {
    const type = this.#extension('list-type');
    const keys = this.#extension('list-map-keys');
    if (type === 'set') return { type };
    if (type === 'map' && Array.isArray(keys)) return { type, keys: keys as string[] };
    if (type === 'atomic') return { type };
    if (!this.strategies().includes('merge')) return { type: 'atomic' };
    const mergeKey = this.mergeKey();
    return mergeKey === undefined ? { type: 'set' } : { type: 'map', keys: [mergeKey] };
  }

  atomicMap(): boolean {
    return this.#extension('map-type') === 'atomic';
  }

  strategies(): readonly string[] {
    const value = this.#extension('patch-strategy');
    return typeof value === 'string' ? value.split(',') : [];
  }

  mergeKey(): string | undefined {
    const value = this.#extension('patch-merge-key');
    return typeof value === 'string' ? value : undefined;
  }

  defaultOf(name: string): unknown {
    const properties = this.#resolved['properties'];
    const property = isObject(properties) ? ownKey(properties, name) : undefined;
    return isObject(property) ? property['default'] : undefined;
  }

  #child(schema: unknown): MergeSchema {
    return mergeSchema(schema, this.#components);
  }

  /** What stands beside a reference counts before what stands behind it. */
  #extension(name: string): unknown {
    const key = `x-kubernetes-${name}`;
    return this.#own[key] ?? this.#resolved[key];
  }
}

function resolve(schema: JsonObject, components: JsonObject, depth: number): JsonObject {
  if (depth > maxDepth) return schema;
  const { $ref: reference, allOf } = schema;
  if (typeof reference === 'string') {
    const found = ownKey(components, reference.slice(reference.lastIndexOf('/') + 1));
    return isObject(found) ? resolve(found, components, depth + 1) : schema;
  }
  if (Array.isArray(allOf) && allOf.length === 1 && isObject(allOf[0])) return resolve(allOf[0], components, depth + 1);
  return schema;
}
