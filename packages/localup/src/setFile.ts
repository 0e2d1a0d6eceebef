// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './errors.ts';

/** The file, in a set's folder, that tells other processes what runs there. Written when all is ready. */
export const setFile = 'clusters.json';

/** What {@link setFile} holds. */
export interface SetFile {
  logDir: string;
  clusters: { name: string; server: string; kubeconfigPath: string; nodes: number; auditLogPath?: string }[];
}

/** Reads {@link setFile}; `undefined` if there is none. */
export async function readSetFile(dir: string): Promise<SetFile | undefined> {
  try {
    return JSON.parse(await readFile(join(dir, setFile), 'utf8')) as SetFile;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined;
    throw cause;
  }
}
