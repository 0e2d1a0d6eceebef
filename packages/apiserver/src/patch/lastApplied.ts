// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { difference, emptySet, type FieldSet } from './fieldSet.ts';
import { isObject, type JsonObject, omit } from './json.ts';
import { type MergeSchema } from './schema.ts';
import { compareValues, fieldSetOf } from './typedValue.ts';

/** Where `kubectl apply` keeps what it was given. */
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** The one manager that is known to have written the annotation before it came to server-side apply. */
const kubectl = 'kubectl';
/** All annotations of an object together may be this long. */
const maxBytes = 256 * 1024;

/**
 * What `kubectl apply` wrote and nobody has changed since: `kubectl apply --server-side` may take it over without a conflict, as it is the same
 * user who changes the way of applying. Other managers may take over nothing.
 */
export function takenOver(o: { live: JsonObject; manager: string; schema: MergeSchema }): FieldSet {
  const { live, manager, schema } = o;
  const lastApplied = manager === kubectl ? parsed(annotationsOf(live)?.[annotation]) : undefined;
  if (!lastApplied || lastApplied['apiVersion'] !== live['apiVersion']) return emptySet();
  const { added, removed, modified } = compareValues(lastApplied, live, schema);
  return [added, removed, modified].reduce(difference, fieldSetOf(lastApplied, schema));
}

/** The object with the annotation brought up to date, where it has one, so that `kubectl apply` can go on with it as well. */
export function withLastApplied(object: JsonObject, o: { applied: JsonObject; manager: string }): JsonObject {
  const annotations = annotationsOf(object);
  if (o.manager !== kubectl || annotations?.[annotation] === undefined) return object;
  const text = textOf(o.applied);
  const others = Object.entries(annotations).filter(([key]) => key !== annotation);
  const size = others.reduce((sum, entry) => sum + Buffer.byteLength(entry.join('')), Buffer.byteLength(annotation + text));
  const metadata = object['metadata'] as JsonObject;
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...annotations, [annotation]: size > maxBytes ? '' : text } },
  };
}

function textOf(applied: JsonObject): string {
  const given = isObject(applied['metadata']) ? applied['metadata'] : {};
  const annotations = omit(annotationsOf(applied) ?? {}, [annotation]);
  const metadata = omit(given, ['annotations']);
  if (Object.keys(annotations).length > 0) metadata['annotations'] = annotations;
  return `${JSON.stringify(sorted({ ...applied, metadata }))}\n`;
}

/** As Go writes maps. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

function annotationsOf(object: JsonObject): Record<string, unknown> | undefined {
  const annotations = isObject(object['metadata']) ? object['metadata']['annotations'] : undefined;
  return isObject(annotations) ? annotations : undefined;
}

function parsed(text: unknown): JsonObject | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
