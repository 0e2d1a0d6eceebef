// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Why the agent does not open a stream. Upper case, as the tunnel carries codes. */
export type DialRefusal =
  /** The policy of this cluster does not let it. */
  | 'FORBIDDEN'
  /** The target does not answer. */
  | 'UNREACHABLE'
  /** The target cannot be understood. */
  | 'INVALID';

/** A stream that the agent does not open; code and message reach the parent. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly code: DialRefusal;

  constructor(code: DialRefusal, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
