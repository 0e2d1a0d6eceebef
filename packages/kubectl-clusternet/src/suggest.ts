// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { childCommands, templateCommands } from './kubectl/commands.ts';
import { ownCommands } from './ownCommands.ts';

/** The command that was probably meant, if one is near. */
export function suggest(command: string): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of Object.keys({ ...ownCommands, ...templateCommands, ...childCommands })) {
    const distance = name.startsWith(command) && command.length > 2 ? 1 : editDistance(command, name);
    if (distance <= Math.max(1, Math.floor(name.length / 3)) && distance < (best?.distance ?? Infinity))
      best = { name, distance };
  }
  return best?.name;
}

/** Insertions, removals, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      const row = rows[i];
      if (row) row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + differs, swapped);
    }
  }
  return at(a.length, b.length);
}
