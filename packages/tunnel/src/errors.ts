// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { types } from 'node:util';

/** The other end broke the rules of the wire; the tunnel is closed with this. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The tunnel is gone, and with it everything that ran through it. A new tunnel may come; retrying is sensible. */
export class TunnelClosedError extends Error {
  override readonly name = 'TunnelClosedError';
  readonly code = 'ETUNNELCLOSED';

  /** @param reason - what ended the tunnel, in words */
  constructor(reason: string) {
    super(`the tunnel is closed: ${reason}`);
  }
}

/** The other end would not open the stream: it may not, or could not reach the target. */
export class StreamRefusedError extends Error {
  override readonly name = 'StreamRefusedError';
  /** What went wrong at the other end: `ECONNREFUSED` and the like, or one of {@link refusals}. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The other end gave the stream up before its end. */
export class StreamResetError extends Error {
  override readonly name = 'StreamResetError';
  /** `ECONNRESET`, or the code of the error that the other end met. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The parent did not let the tunnel come up. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** The HTTP status when the answer was one, such as 401, 403 or 503. */
  readonly status?: number;
  /** How long the parent asks to stay away, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(message: string, options: { status?: number; retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Codes of a {@link StreamRefusedError} that this package itself gives. */
export const refusals = {
  /** The other end has as many streams open as it allows. */
  tooManyStreams: 'TOO_MANY_STREAMS',
  /** The other end opens no streams for anyone. */
  notServed: 'NOT_SERVED',
  /** The other end's dial failed with an error that carries no code. */
  failed: 'FAILED',
  /** The other end did not answer in time. */
  timedOut: 'ETIMEDOUT',
} as const;

/** Any thrown value as an Error, the value kept as its cause. */
export function toError(value: unknown): Error {
  if (value instanceof Error || types.isNativeError(value)) return value;
  return new Error(typeof value === 'string' ? value : 'a value that is not an Error was thrown', { cause: value });
}

/** The `code` of a system error, or `otherwise`. */
export function codeOf(error: unknown, otherwise: string): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : otherwise;
}
