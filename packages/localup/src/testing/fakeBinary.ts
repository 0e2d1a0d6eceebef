// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes an executable that prints `output` whatever it is asked. Returns its path. */
export async function fakeBinary(folder: string, name: string, output: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho '${output}'\n`);
  await chmod(path, 0o755);
  return path;
}
