// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Where an override comes from, for messages: `Globalization all`, `Localization clusternet-x/one`. */
export interface OverrideOrigin {
  kind: 'Globalization' | 'Localization';
  namespace?: string;
  name: string;
}

/** What went wrong in one patch, before it is known whose patch it was. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
  /** Operation that does not fit, such as `replace`. */
  readonly operation: string | undefined;
  /** JSON pointer of the place it does not fit. */
  readonly path: string | undefined;

  constructor(message: string, { operation, path }: { operation?: string; path?: string } = {}) {
    super(message);
    this.operation = operation;
    this.path = path;
  }
}

/** An override that cannot be applied. The message names the override, and the operation and path that do not fit. */
export class OverrideError extends Error {
  override readonly name = 'OverrideError';
  readonly origin: OverrideOrigin | undefined;
  readonly operation: string | undefined;
  readonly path: string | undefined;

  constructor(message: string, { cause, origin }: { cause: PatchError; origin: OverrideOrigin | undefined }) {
    super(message, { cause });
    this.origin = origin;
    this.operation = cause.operation;
    this.path = cause.path;
  }
}
