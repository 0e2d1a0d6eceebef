// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** A copy of `object` without these fields. */
export function omit<T extends object, K extends keyof T>(object: T, ...fields: K[]): Omit<T, K> {
  const copy = { ...object };
  for (const field of fields) delete copy[field];
  return copy;
}
