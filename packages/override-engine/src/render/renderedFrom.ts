// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type Description } from '@clusternet/api-types';

/** The hashes, by feed key, that a Description remembers; none when it holds no list of them. */
export function readRenderedFrom({ metadata }: Description): ReadonlyMap<string, string> {
  const text = metadata.annotations?.[annotations.renderedFrom];
  if (text === undefined) return new Map();
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

/** The annotations that keep the hashes; none when there are none to keep. */
export function writeRenderedFrom(hashes: ReadonlyMap<string, string>): Record<string, string> {
  if (hashes.size === 0) return {};
  const sorted = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1));
  return { [annotations.renderedFrom]: JSON.stringify(Object.fromEntries(sorted)) };
}
