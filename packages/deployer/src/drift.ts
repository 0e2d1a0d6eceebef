// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, sameQuantity } from '@clusternet/api-types';

/** Maps whose values are quantities, which API servers rewrite: `1000m` becomes `1`. */
const quantityMaps = new Set([
  'limits',
  'requests',
  'capacity',
  'allocatable',
  'hard',
  'overhead',
  'default',
  'defaultRequest',
  'max',
  'min',
]);
const quantityFields = new Set(['sizeLimit', 'divisor', 'quantity', 'averageValue', 'value', 'storage', 'cpu', 'memory']);

/** Fields by which API servers merge lists of objects, the ones tried first at the front. */
const listKeys = ['name', 'key', 'type', 'containerPort', 'port', 'mountPath', 'devicePath', 'ip', 'topologyKey', 'uid'];

/** Lists that others may add to without taking anything away. */
const sharedLists = new Set(['finalizers']);

/**
 * Whether a live object still holds everything the desired one asks for. Fields that only the live object has (defaults,
 * what controllers fill in, replicas that an autoscaler owns, an injected sidecar) are no difference.
 *
 * @remarks Where it cannot know how an API server compares, it answers false: a needless apply changes nothing, and the
 * {@link FlapGuard} keeps it from becoming a loop.
 */
export function containsDesired(live: KubeObject, desired: KubeObject): boolean {
  return contains(live, desired, '', false);
}

function contains(live: unknown, desired: unknown, field: string, quantities: boolean): boolean {
  if (isNothing(desired)) return live === undefined || isNothing(live) || isMap(live) || Array.isArray(live);
  if (Array.isArray(desired)) return Array.isArray(live) && containsList(live, desired, field);
  if (isMap(desired)) {
    if (!isMap(live)) return false;
    const inside = quantityMaps.has(field);
    return Object.entries(desired).every(([key, value]) =>
      contains(Object.hasOwn(live, key) ? live[key] : undefined, value, key, inside),
    );
  }
  if (live === desired) return true;
  // An absent field and its zero value are one for API servers that leave out what is empty.
  if (live === undefined) return desired === '' || desired === false || desired === 0;
  return (quantities || quantityFields.has(field)) && sameQuantity(live, desired);
}

function containsList(live: unknown[], desired: unknown[], field: string): boolean {
  if (sharedLists.has(field)) return desired.every((item) => live.includes(item));
  if (live.length === desired.length && desired.every((item, i) => contains(live[i], item, field, false))) return true;
  const key = listKeys.find((k) => isKeyed(desired, k) && isKeyed(live, k));
  if (key === undefined) return false;
  const byKey = new Map(live.map((item) => [(item as Record<string, unknown>)[key], item]));
  return desired.every((item) => {
    const match = byKey.get((item as Record<string, unknown>)[key]);
    return match !== undefined && contains(match, item, field, false);
  });
}

function isKeyed(list: unknown[], key: string): boolean {
  const values = new Set(list.map((item) => (isMap(item) ? item[key] : undefined)));
  return values.size === list.length && !values.has(undefined);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
