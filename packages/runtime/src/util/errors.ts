// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { types } from 'node:util';

/** Any thrown value as an Error, the value kept as its cause. */
export function toError(value: unknown): Error {
  if (value instanceof Error || types.isNativeError(value)) return value;
  return new Error(typeof value === 'string' ? value : 'a value that is not an Error was thrown', { cause: value });
}
