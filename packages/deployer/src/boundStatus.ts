// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Longest JSON text of the live status of one object, in characters. */
export const maxObservedStatus = 16_384;

/**
 * The live `.status` of an object, cut down to `limit` characters of JSON: first long texts, then lists and maps beyond
 * their first entries, at last everything but plain values. What matters to readers (counts, phases, conditions) is small.
 */
export function boundStatus(status: unknown, limit = maxObservedStatus): Record<string, unknown> | undefined {
  if (typeof status !== 'object' || status === null || Array.isArray(status)) return undefined;
  const full = status as Record<string, unknown>;
  if (fits(full, limit)) return full;
  for (const [text, items] of [
    [256, 1_000],
    [256, 20],
    [64, 5],
  ] as const) {
    const smaller = shrink(full, { text, items }) as Record<string, unknown>;
    if (fits(smaller, limit)) return smaller;
  }
  const plain = Object.fromEntries(
    Object.entries(full).filter(([, value]) => typeof value !== 'object' && JSON.stringify(value).length <= 64),
  );
  return fits(plain, limit) ? plain : {};
}

function fits(value: unknown, limit: number): boolean {
  return JSON.stringify(value).length <= limit;
}

function shrink(value: unknown, o: { text: number; items: number }): unknown {
  if (typeof value === 'string') return value.length <= o.text ? value : `${value.slice(0, o.text - 1)}…`;
  if (Array.isArray(value)) return value.slice(0, o.items).map((item) => shrink(item, o));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, o.items)
      .map(([key, item]) => [key, shrink(item, o)]),
  );
}
