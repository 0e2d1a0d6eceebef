// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '@clusternet/apiserver';

/** Where the next page of a list begins. */
export interface ContinueToken {
  /** Of the first page. */
  version: number;
  /** The last key of the page before. */
  after: string;
}

export function encodeToken({ version, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'shadow/v1', rv: version, after })).toString('base64url');
}

/** @throws StatusError 400 for a token that is not ours */
export function decodeToken(text: string): ContinueToken {
  try {
    const { v, rv, after } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<string, unknown>;
    if (v === 'shadow/v1' && typeof rv === 'number' && typeof after === 'string') return { version: rv, after };
  } catch {
    // Answered below.
  }
  throw new StatusError(400, 'continue key is not valid: the token was not made by this server');
}
