// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Lets one at a time through, in the order they came. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs when all that came before are done. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
