// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { errorCode } from './connectionError.ts';

/** Tries of one request, the first included. */
export const maxAttempts = 5;

const transient = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** What decides whether a failed try is worth another one. */
export interface Attempt {
  /** 1 for the first try. */
  attempt: number;
  method: string;
  /** Content type of the body: only a PATCH that is an apply can be repeated safely. */
  contentType?: string;
  /** Between 0 and 1; spreads the tries of many clients. */
  random: number;
}

/**
 * Milliseconds to wait before repeating a request the network failed, or undefined when it must not be repeated.
 * A request that changes something is repeated only when a second run does no harm or the first was never sent.
 */
export function delayAfterError(error: unknown, sent: boolean, a: Attempt): number | undefined {
  if (a.attempt >= maxAttempts || !transient.has(errorCode(error))) return undefined;
  if (sent && !isRepeatable(a)) return undefined;
  return backoff(a);
}

/**
 * Milliseconds to wait before repeating a request the server put off (429, or 503 with Retry-After), or undefined
 * when the answer is final. Such a request was not carried out, so every verb can be repeated.
 */
export function delayAfterStatus(status: number, retryAfterSeconds: number | undefined, a: Attempt): number | undefined {
  if (a.attempt >= maxAttempts) return undefined;
  if (retryAfterSeconds !== undefined && (status === 429 || status === 503)) {
    // All clients were told the same moment: come back a little after it, not together.
    return retryAfterSeconds * 1000 * (1 + 0.1 * a.random);
  }
  return status === 429 ? backoff(a) : undefined;
}

/** Reads a Retry-After header: seconds, or a date relative to `now` (milliseconds since 1970). */
export function parseRetryAfter(value: string | string[] | undefined, now: number): number | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined || text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

function isRepeatable({ method, contentType }: Attempt): boolean {
  return idempotent.has(method) || (method === 'PATCH' && contentType === 'application/apply-patch+yaml');
}

function backoff({ attempt, random }: Attempt): number {
  return 100 * 2 ** (attempt - 1) * (0.5 + random);
}
