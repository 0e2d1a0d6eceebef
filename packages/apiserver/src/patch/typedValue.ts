// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { atomicStep, isEmptyContainer, listSteps } from './steps.ts';
import { descend, emptySet, type FieldSet } from './fieldSet.ts';
import { isObject, jsonEqual, type JsonObject, ownKey, setKey } from './json.ts';
import { type MergeSchema } from './schema.ts';

/** The difference between two states of an object. */
export interface Comparison {
  added: FieldSet;
  removed: FieldSet;
  modified: FieldSet;
}

/** Every place that a value says something about. */
export function fieldSetOf(value: unknown, schema: MergeSchema): FieldSet {
  const set = emptySet();
  collect(value, schema, set);
  set.member = false;
  return set;
}

function collect(value: unknown, schema: MergeSchema, set: FieldSet): void {
  if (isObject(value)) {
    if (schema.atomicMap()) {
      set.member = true;
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      const child = descend(set, `f:${key}`);
      collect(item, schema.field(key), child);
      if (item === null || (isObject(item) && isEmptyContainer(item)) || !schema.declares(key)) child.member = true;
    }
    return;
  }
  const steps = Array.isArray(value) ? listSteps(value, schema) : undefined;
  if (!steps) {
    set.member = true;
    return;
  }
  for (const [step, item] of steps) {
    const child = descend(set, step);
    collect(item, schema.items(), child);
    child.member = true;
  }
}

/** What became different from one state to the next. */
export function compareValues(before: unknown, after: unknown, schema: MergeSchema): Comparison {
  const comparison = { added: emptySet(), removed: emptySet(), modified: emptySet() };
  compare({ before, after, schema, ...comparison });
  for (const set of Object.values(comparison)) set.member = false;
  return comparison;
}

function compare(o: Comparison & { before: unknown; after: unknown; schema: MergeSchema }): void {
  const { before, after, schema, added, removed, modified } = o;
  if (before === undefined && after === undefined) return;
  const a = childrenOf(before, schema);
  const b = childrenOf(after, schema);
  const leaf = (before !== undefined && !a) || (after !== undefined && !b) || (!a?.size && !b?.size);
  if (before === undefined) added.member = true;
  else if (after === undefined) removed.member = true;
  else if (leaf && !jsonEqual(before, after)) modified.member = true;
  if (leaf) return;
  for (const step of new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])])) {
    compare({
      before: a?.get(step),
      after: b?.get(step),
      schema: schemaAt(step, schema),
      added: descend(added, step),
      removed: descend(removed, step),
      modified: descend(modified, step),
    });
  }
}

/** One state with what another says about it laid over; what the other is silent about stays. */
export function mergeValues(live: unknown, applied: unknown, schema: MergeSchema): unknown {
  if (isObject(applied)) {
    if (!isObject(live) || schema.atomicMap()) return applied;
    const result: JsonObject = { ...live };
    for (const [key, value] of Object.entries(applied))
      setKey(result, key, mergeValues(ownKey(live, key), value, schema.field(key)));
    return result;
  }
  const ours = Array.isArray(live) ? listSteps(live, schema) : undefined;
  const theirs = Array.isArray(applied) ? listSteps(applied, schema) : undefined;
  if (!ours || !theirs) return applied;
  return mergeLists(ours, theirs, schema);
}

/** Both orders are kept as far as they agree; where they do not, the applied one wins. */
function mergeLists(live: Map<string, unknown>, applied: Map<string, unknown>, schema: MergeSchema): unknown[] {
  const waiting = [...live.keys()];
  const result: unknown[] = [];
  for (const [step, value] of applied) {
    while (waiting[0] !== undefined && !applied.has(waiting[0])) result.push(live.get(waiting.shift() ?? ''));
    const at = waiting.indexOf(step);
    if (at >= 0) waiting.splice(at, 1);
    result.push(live.has(step) ? mergeValues(live.get(step), value, schema.items()) : value);
  }
  for (const step of waiting) if (!applied.has(step)) result.push(live.get(step));
  return result;
}

/** A value without the places of one set, except those at or above places of another. */
export function removePlaces(value: unknown, o: { remove: FieldSet; keep: FieldSet; schema: MergeSchema }): unknown {
  const { remove, keep, schema } = o;
  const children = childrenOf(value, schema);
  if (!children) return value;
  const result = new Map(children);
  for (const [step, child] of remove.children) {
    if (!children.has(step)) continue;
    const kept = keep.children.get(step);
    if (!kept) result.delete(step);
    else result.set(step, removePlaces(children.get(step), { remove: child, keep: kept, schema: schemaAt(step, schema) }));
  }
  if (Array.isArray(value)) return [...result.values()];
  const object: JsonObject = {};
  for (const [step, item] of result) setKey(object, step.slice(2), item);
  return object;
}

/** What lies below a value, by steps; undefined for one that is taken as a whole. */
function childrenOf(value: unknown, schema: MergeSchema): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return listSteps(value, schema);
  if (!isObject(value) || schema.atomicMap()) return undefined;
  return new Map(Object.entries(value).map(([key, item]) => [`f:${key}`, item]));
}

function schemaAt(step: string, schema: MergeSchema): MergeSchema {
  return atomicStep(step) ? schema.items() : schema.field(step.slice(2));
}
