// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, type JsonObject } from './json.ts';
import { type MergeSchema } from './schema.ts';

/**
 * The items of a list by the steps that lead to them; undefined for a list that is taken as a whole.
 *
 * @remarks Of items that are there twice the first counts, as the API server lets such lists live on.
 */
export function listSteps(list: readonly unknown[], schema: MergeSchema): Map<string, unknown> | undefined {
  const kind = schema.list();
  if (kind.type === 'atomic') return undefined;
  const steps = new Map<string, unknown>();
  for (const item of list) {
    const step = kind.type === 'set' ? `v:${JSON.stringify(item)}` : keyStep(item, kind.keys, schema.items());
    if (step === undefined) return undefined;
    if (!steps.has(step)) steps.set(step, item);
  }
  return steps;
}

/** Whether a step leads to an item of a list. */
export function atomicStep(step: string): boolean {
  return !step.startsWith('f:');
}

export function isEmptyContainer(value: JsonObject): boolean {
  return Object.keys(value).length === 0;
}

function keyStep(item: unknown, keys: readonly string[], schema: MergeSchema): string | undefined {
  if (!isObject(item)) return undefined;
  const pairs = keys.toSorted().flatMap((key): [string, unknown][] => {
    const value = item[key] ?? schema.defaultOf(key);
    return value === undefined ? [] : [[key, value]];
  });
  return pairs.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}
