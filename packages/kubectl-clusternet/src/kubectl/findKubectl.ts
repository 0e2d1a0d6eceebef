// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CliError } from '../errors.ts';

/** Names the program to use for kubectl's commands, instead of the one on PATH. */
export const kubectlVariable = 'CLUSTERNET_KUBECTL';

/**
 * The user's own kubectl.
 *
 * @throws CliError with exit code 127 that says how to get one
 */
export function findKubectl(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env[kubectlVariable];
  if (chosen) {
    if (isProgram(chosen)) return chosen;
    throw new CliError(`${kubectlVariable} names ${chosen}, which is not a program that can be run`, { exitCode: 127 });
  }
  const names = process.platform === 'win32' ? ['kubectl.exe', 'kubectl.cmd'] : ['kubectl'];
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const found = names.map((name) => join(folder, name)).find(isProgram);
    if (found !== undefined) return found;
  }
  throw new CliError(
    `kubectl is not on your PATH, and this command is carried out by it. Get it from https://kubernetes.io/docs/tasks/tools/ (or: brew install kubernetes-cli, apt-get install kubectl, choco install kubernetes-cli), or name it in ${kubectlVariable}`,
    { exitCode: 127 },
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
