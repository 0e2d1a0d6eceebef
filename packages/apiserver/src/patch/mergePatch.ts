// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, ownKey, setKey, type JsonObject } from './json.ts';

/** JSON merge patch (RFC 7386). Neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setKey(result, key, mergePatch(ownKey(result, key), value));
  }
  return result;
}
