// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** What plugins hand on to one another within one decision. */
export class CycleState {
  readonly #values = new Map<string, unknown>();

  /** The value, or undefined when nobody wrote it. The caller knows the type by the key. */
  read<T>(key: string): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  write(key: string, value: unknown): void {
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }
}
