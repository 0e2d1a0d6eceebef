// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parse } from 'yaml';
import { isObject, type JsonObject } from '../patch/json.ts';

/** Deeper than any schema; a parser that recurses on more would end the process. */
const maxDepth = 1_000;

/** A body as an object, whether it is JSON or YAML; undefined for anything else. */
export function parseDocument(text: string): JsonObject | undefined {
  try {
    const value: unknown = /^\s*[[{]/.test(text) ? JSON.parse(text) : parse(text, { maxAliasCount: 100 });
    return isObject(value) && !deeperThan(value, maxDepth) ? value : undefined;
  } catch {
    return undefined;
  }
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((child) => deeperThan(child, depth - 1));
}
