// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';
import { isObject, jsonEqual, type JsonObject, omit, ownKey, setKey } from './json.ts';
import { type MergeSchema } from './schema.ts';

const directive = '$patch';
const retainKeys = '$retainKeys';
const elementOrder = '$setElementOrder/';
const deleteFrom = '$deleteFromPrimitiveList/';

/**
 * Strategic merge patch, as of Kubernetes: like a merge patch, but lists with a merge key are merged item by item.
 *
 * @throws StatusError 400 for a patch that does not follow its rules
 */
export function strategicMerge(target: unknown, patch: JsonObject, schema: MergeSchema): JsonObject {
  return mergeMap(isObject(target) ? target : {}, patch, schema);
}

function mergeMap(target: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject {
  const order = patch[directive];
  if (order === 'replace') return without(patch, directive);
  if (order === 'delete') return {};
  if (order !== undefined && order !== 'merge') throw bad(`invalid patch directive: ${JSON.stringify(order)}`);
  const result = { ...target };
  applyRetainKeys(result, patch[retainKeys]);
  for (const [key, value] of Object.entries(patch)) {
    if (key === directive || key === retainKeys || key.startsWith(elementOrder)) continue;
    if (key.startsWith(deleteFrom)) removePrimitives(result, key.slice(deleteFrom.length), value);
    else if (value === null) delete result[key];
    else
      setKey(
        result,
        key,
        mergeValue(ownKey(result, key), value, { schema: schema.field(key), order: patch[elementOrder + key] }),
      );
  }
  reorderUntouched(result, patch, schema);
  return result;
}

function mergeValue(target: unknown, value: unknown, o: { schema: MergeSchema; order: unknown }): unknown {
  const { schema, order } = o;
  if (isObject(value)) {
    const replaces = schema.strategies().includes('replace') || !isObject(target);
    return mergeMap(replaces ? {} : target, value, schema);
  }
  if (!Array.isArray(value)) return value;
  if (!schema.strategies().includes('merge')) return value.map((item) => clean(item));
  return mergeList(Array.isArray(target) ? target : [], value, { schema, order });
}

function mergeList(target: unknown[], patch: unknown[], o: { schema: MergeSchema; order: unknown }): unknown[] {
  const { schema, order } = o;
  const key = schema.mergeKey();
  if (key === undefined || patch.some((item) => !isObject(item))) {
    const added = patch.filter((item) => !target.some((known) => jsonEqual(known, item)));
    return inOrder([...target, ...added], target, { order, keyOf: (item) => item });
  }
  const items = patch as JsonObject[];
  if (items.some((item) => item[directive] === 'replace'))
    return items.filter((item) => item[directive] === undefined).map(clean);
  let result = [...target];
  for (const item of items) {
    const value = item[key];
    if (value === undefined) throw bad(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = result.findIndex((known) => isObject(known) && jsonEqual(known[key], value));
    if (item[directive] === 'delete') {
      result = result.filter((known) => !(isObject(known) && jsonEqual(known[key], value)));
    } else if (at < 0) {
      result.push(mergeMap({}, item, schema.items()));
    } else {
      result[at] = mergeMap(result[at] as JsonObject, item, schema.items());
    }
  }
  return inOrder(result, target, { order, keyOf: (item) => (isObject(item) ? item[key] : item) });
}

/** Lists that the patch orders without changing an item. */
function reorderUntouched(result: JsonObject, patch: JsonObject, schema: MergeSchema): void {
  for (const [name, order] of Object.entries(patch)) {
    const key = name.slice(elementOrder.length);
    const list = name.startsWith(elementOrder) && !Object.hasOwn(patch, key) ? ownKey(result, key) : undefined;
    if (!Array.isArray(list)) continue;
    const mergeKey = schema.field(key).mergeKey();
    const keyOf = (item: unknown): unknown => (mergeKey !== undefined && isObject(item) ? item[mergeKey] : item);
    setKey(result, key, inOrder(list, list, { order, keyOf }));
  }
}

/** Items named by `order` stand in that order; others keep their place before the item they stood before. */
function inOrder(list: unknown[], before: unknown[], o: { order: unknown; keyOf: (item: unknown) => unknown }): unknown[] {
  const { order, keyOf } = o;
  if (!Array.isArray(order)) return list;
  const place = (item: unknown): number => order.findIndex((wanted) => jsonEqual(keyOf(wanted), keyOf(item)));
  const live = (item: unknown): number => before.findIndex((known) => jsonEqual(keyOf(known), keyOf(item)));
  const ordered = list.filter((item) => place(item) >= 0).toSorted((a, b) => place(a) - place(b));
  const others = list.filter((item) => place(item) < 0);
  const result: unknown[] = [];
  for (const item of ordered) {
    const at = live(item);
    while (others.length > 0 && at >= 0 && live(others[0]) < at) result.push(others.shift());
    result.push(item);
  }
  return [...result, ...others];
}

function applyRetainKeys(result: JsonObject, keys: unknown): void {
  if (keys === undefined) return;
  if (!Array.isArray(keys)) throw bad('invalid $retainKeys: it has to be a list');
  for (const key of Object.keys(result)) if (!keys.includes(key)) delete result[key];
}

function removePrimitives(result: JsonObject, key: string, values: unknown): void {
  const list = ownKey(result, key);
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  setKey(
    result,
    key,
    list.filter((item) => !values.some((value) => jsonEqual(item, value))),
  );
}

/** A value of a patch that stands by itself carries no directives and no nulls. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => clean(item));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key !== directive && key !== retainKeys && !key.startsWith(elementOrder)) setKey(result, key, clean(item));
  }
  return result;
}

function without(object: JsonObject, key: string): JsonObject {
  return omit(object, [key]);
}

function bad(message: string): StatusError {
  return new StatusError(400, message);
}
