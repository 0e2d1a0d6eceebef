// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { PatchError } from './overrideError.ts';

/** The keys that a JSON pointer (RFC 6901) names; undefined when it is none. */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer.slice(1).split('/').map(unescape);
}

/** A JSON pointer to the value under these keys. */
export function formatPointer(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Decodes one step of a pointer. */
export function unescape(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** Whether a key of a pointer is an index of an array, as RFC 6901 writes them. */
export function isIndex(key: string): boolean {
  return /^(0|[1-9]\d*)$/.test(key);
}

/** Whether `container` has the member, which no object inherits. */
export function hasMember(container: unknown, key: string): container is Record<string, unknown> {
  if (Array.isArray(container)) return isIndex(key) && Number(key) < container.length;
  return typeof container === 'object' && container !== null && Object.hasOwn(container, key);
}

/**
 * The value under these keys.
 *
 * @throws PatchError that names the first key that is missing.
 */
export function valueAt(document: unknown, keys: readonly string[], operation?: string): unknown {
  let value = document;
  for (const [index, key] of keys.entries()) {
    if (!hasMember(value, key)) {
      throw new PatchError(missing(value, keys.slice(0, index + 1)), { operation, path: formatPointer(keys) });
    }
    value = value[key];
  }
  return value;
}

function missing(container: unknown, keys: readonly string[]): string {
  const key = keys[keys.length - 1] ?? '';
  const parent = formatPointer(keys.slice(0, -1)) || 'the object';
  if (Array.isArray(container)) {
    return isIndex(key)
      ? `${parent} has ${container.length} item${container.length === 1 ? '' : 's'}, so there is no ${formatPointer(keys)}`
      : `${parent} is a list, and "${key}" is no index of one`;
  }
  if (typeof container !== 'object' || container === null)
    return `${parent} has no members, so there is no ${formatPointer(keys)}`;
  return `there is no ${formatPointer(keys)}`;
}
