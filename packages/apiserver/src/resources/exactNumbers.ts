// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';

/**
 * An integer as a number.
 *
 * @throws StatusError 422 for one that a number of this program cannot hold
 */
export function exactInteger(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw inexact(String(value), '');
  return number;
}

/** A run of digits that may be too long for a number. */
const suspicious = /\d{16}/;

/**
 * Refuses a text of JSON with integers beyond 2^53, whose last digits would be lost without anybody knowing.
 *
 * @throws StatusError 422 that names the field; what is no JSON is left to others
 */
export function checkExactIntegers(text: string): void {
  if (!suspicious.test(text)) return;
  let problem: StatusError | undefined;
  const check = function (this: unknown, key: string, value: unknown, context: { source?: string }): unknown {
    const { source } = context;
    if (typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)) {
      problem ??= inexact(source, Array.isArray(this) ? '' : key);
    }
    return value;
  };
  try {
    // The types know nothing of the text that a reviver is shown.
    JSON.parse(text, check as (this: unknown, key: string, value: unknown) => unknown);
  } catch {
    return;
  }
  if (problem) throw problem;
}

function inexact(source: string, key: string): StatusError {
  const field = key === '' ? 'a number' : JSON.stringify(key);
  const message = `Invalid value: ${source}: an integer beyond 2^53 cannot be kept in a template without losing digits`;
  return new StatusError(422, `${field}: ${message}`, {
    details: { causes: [{ reason: 'FieldValueInvalid', message, ...(key !== '' && { field: key }) }] },
  });
}
