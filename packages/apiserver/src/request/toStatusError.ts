// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { ApiError, ConnectionError } from '@clusternet/client';
import { StatusError } from './statusError.ts';

/**
 * The one place where anything thrown becomes an answer.
 *
 * @remarks
 * A refusal that a handler got from another API server is not the caller's: "forbidden" there is about our own account. A handler that wants
 * to pass one on throws a StatusError made from it.
 */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const tryAgain = error instanceof ConnectionError || (error instanceof ApiError && [429, 503, 504].includes(error.status));
  if (tryAgain) {
    const retryAfterSeconds = (error instanceof ApiError ? error.retryAfterSeconds : undefined) ?? 1;
    return new StatusError(503, 'an API server that this request needs is not available; try again', {
      retryAfterSeconds,
      cause: error,
    });
  }
  const code = httpCode(error);
  // express and body parsers mark what the caller did wrong with a 4xx of their own.
  if (code !== undefined) return new StatusError(code, messages[code] ?? 'the request is malformed', { cause: error });
  return new StatusError(500, 'internal error; the log of the server tells more under the audit id of this request', {
    cause: error,
  });
}

const messages: Record<number, string> = {
  400: 'the request is malformed',
  413: 'the body of the request is too large',
  415: 'the body of the request is in a format that is not supported',
};

function httpCode(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  const known = typeof status === 'number' && status >= 400 && status < 500 && !(error instanceof ApiError);
  return known ? status : undefined;
}
