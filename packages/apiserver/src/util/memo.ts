// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Remembers what a pure function makes of a text, for texts that come over and over, such as header names. Holds at most `max` and begins
 * anew when it is full, so that nobody fills memory with names of their own making.
 */
export function memo<V>(make: (text: string) => V, max = 1_024): (text: string) => V {
  const known = new Map<string, V>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = make(text);
    if (known.size >= max) known.clear();
    known.set(text, made);
    return made;
  };
}
