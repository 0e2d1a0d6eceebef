// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { hint } from './config/suggest.ts';

/** Which optional features are on, as `--feature-gates=A=true,B=false` says. */
export class FeatureGates {
  readonly #state: ReadonlyMap<string, boolean>;

  private constructor(state: Map<string, boolean>) {
    this.#state = state;
  }

  /**
   * @param text - `Name=true,Other=false`, or undefined for the defaults
   * @param known - every gate with its default
   * @throws an Error that names the entry that is unknown or malformed
   */
  static parse(text: string | undefined, known: Record<string, boolean>): FeatureGates {
    const state = new Map(Object.entries(known));
    for (const entry of (text ?? '').split(',')) {
      if (entry.trim() === '') continue;
      const [name = '', value, ...rest] = entry.split('=').map((part) => part.trim());
      if (!state.has(name)) {
        throw new Error(
          `unknown feature gate "${name}"${hint(name, state.keys())} (known: ${[...state.keys()].sort().join(', ')})`,
        );
      }
      if (rest.length > 0 || (value !== 'true' && value !== 'false')) {
        throw new Error(`feature gate ${name} must be set with ${name}=true or ${name}=false`);
      }
      state.set(name, value === 'true');
    }
    return new FeatureGates(state);
  }

  /** @throws an Error for a gate that was not declared: a spelling mistake in the code must not read as "off". */
  enabled(name: string): boolean {
    const value = this.#state.get(name);
    if (value === undefined) throw new Error(`feature gate "${name}" is not declared by this service`);
    return value;
  }

  /** All gates with their state, for logs. */
  toJSON(): Record<string, boolean> {
    return Object.fromEntries(this.#state);
  }
}
