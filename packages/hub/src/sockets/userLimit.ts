// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '@clusternet/apiserver';

/** Bounds what one user has under way at one cluster, so that the streams of its tunnel are there for all. */
export class UserLimit {
  readonly #max: number;
  readonly #taken = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * @returns gives the place back; may be called again
   * @throws StatusError 429 when there is none
   */
  take(key: string): () => void {
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#max) {
      throw new StatusError(429, 'you have too many requests to this cluster under way; try again', { retryAfterSeconds: 1 });
    }
    this.#taken.set(key, taken + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const now = (this.#taken.get(key) ?? 1) - 1;
      if (now === 0) this.#taken.delete(key);
      else this.#taken.set(key, now);
    };
  }
}
