// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isJsonObject, type JsonObject, setMember } from './json.ts';

/** Applies a JSON merge patch (RFC 7396). Neither argument is changed; what is not touched is shared with the result. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = {};
  const base = isJsonObject(target) ? target : {};
  for (const key of Object.keys(base))
    if (!Object.hasOwn(patch, key)) setMember(result, key, base[key]);
    else if (patch[key] !== null) setMember(result, key, mergePatch(base[key], patch[key]));
  for (const key of Object.keys(patch)) {
    if (!Object.hasOwn(base, key) && patch[key] !== null) setMember(result, key, mergePatch(undefined, patch[key]));
  }
  return result;
}

/**
 * Merges Helm values the way Helm does with one `-f` after the other: tables are merged, anything else is replaced. A null takes back what an
 * earlier one set; where none did it stays, and Helm drops the default of the chart.
 */
export function mergeValues(earlier: JsonObject, later: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(earlier)) {
    if (!Object.hasOwn(later, key)) setMember(result, key, earlier[key]);
    else if (later[key] !== null) setMember(result, key, mergeValue(earlier[key], later[key]));
  }
  for (const key of Object.keys(later)) if (!Object.hasOwn(earlier, key)) setMember(result, key, later[key]);
  return result;
}

function mergeValue(earlier: unknown, later: unknown): unknown {
  return isJsonObject(earlier) && isJsonObject(later) ? mergeValues(earlier, later) : later;
}
