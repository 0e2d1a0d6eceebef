// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * JSON with the keys of every object sorted, so that equal values give equal text whatever the order they were built in.
 * `undefined` members are left out as JSON does; a lone `undefined` gives `null`.
 */
export function stableStringify(value: unknown): string {
  return JSON.stringify(value, sortKeys) ?? 'null';
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
