// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generatedFiles, generatedFolders } from './generatedFiles.ts';

const root = join(import.meta.dirname, '../../..');
const files = generatedFiles();

describe('checked-in files (run "pnpm generate" after a change of the schemas)', () => {
  it.each([...files.keys()])('%s is what the schemas give', async (path) => {
    expect(await readFile(join(root, path), 'utf8')).toBe(files.get(path));
  });

  it.each(generatedFolders)('%s holds nothing else', async (folder) => {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
    expect(found.filter((path) => !files.has(path))).toEqual([]);
  });
});
