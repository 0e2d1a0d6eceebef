// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** A failure that the user can mend: the message says what was tried and what to do. */
export class LocalupError extends Error {
  override name = 'LocalupError';
}

/** The message of anything that was thrown. */
export function messageOf(cause: unknown): string {
  if (!isErrorLike(cause)) return String(cause);
  const inner = cause.cause === undefined ? '' : messageOf(cause.cause);
  return inner === '' || cause.message.includes(inner) ? cause.message : `${cause.message}: ${inner}`;
}

/** Whether `cause` is a system error with this code, such as `ENOENT`. */
export function hasCode(cause: unknown, code: string): boolean {
  return isErrorLike(cause) && cause.code === code;
}

// Not `instanceof`: Node's own errors come from another realm when the caller runs in one made by node:vm.
function isErrorLike(cause: unknown): cause is { message: string; cause?: unknown; code?: unknown } {
  return typeof cause === 'object' && cause !== null && 'message' in cause && typeof cause.message === 'string';
}
