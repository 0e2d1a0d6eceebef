// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Anything that was started and has to be stopped. */
export interface Closer {
  close(): Promise<void> | void;
}

/**
 * Closes in reverse order, each one after the other, as later ones may use earlier ones. All are closed even when some fail.
 *
 * @throws the only error, or an AggregateError of several
 */
export async function closeAll(...closers: (Closer | undefined)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const closer of closers.toReversed()) {
    try {
      await closer?.close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, 'several parts failed to close');
}

/** Collects what was started, to stop it in reverse order. */
export class Stack {
  #closers: Closer[] = [];

  /** Remembers a closer, or a function that closes, and gives it back. */
  use<T extends Closer | (() => Promise<void> | void)>(closer: T): T {
    this.#closers.push(typeof closer === 'function' ? { close: closer } : closer);
    return closer;
  }

  /** Closes everything added since the last close, the latest first. */
  async close(): Promise<void> {
    const closers = this.#closers;
    this.#closers = [];
    await closeAll(...closers);
  }
}
