// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { generatedFiles, generatedFolders } from './generatedFiles.ts';

const root = join(import.meta.dirname, '../../..');
const files = generatedFiles();

for (const folder of generatedFolders) {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (!files.has(relative(root, path))) await rm(path);
  }
}
for (const [path, text] of files) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
console.log(`${files.size} files written`);
