// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';

/** The last lines of a log, for an error message. */
export async function logTail(path: string, lines = 12): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
