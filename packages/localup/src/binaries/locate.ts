// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { type BinaryName } from '../versions.ts';
import { refusal, versionArguments } from './acceptable.ts';

const run = promisify(execFile);

/** Where a binary may lie already. */
export interface Places {
  /** Folders that the user named: what lies there is taken as it is. */
  explicit: string[];
  /** Folders of PATH: what lies there must have an acceptable version. */
  path: string[];
  /** localup's own cache folder, filled only by localup. */
  cache: string;
}

/** What {@link locate} found, and what it passed over and why. */
export interface Located {
  path?: string;
  tried: string[];
}

/** The folders of a PATH variable. */
export function pathFolders(path: string | undefined): string[] {
  return (path ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Looks for one binary in the order explicit folders, PATH, cache. */
export async function locate(name: BinaryName, places: Places): Promise<Located> {
  const tried: string[] = [];
  for (const folder of places.explicit) {
    const path = join(folder, name);
    if (await isExecutable(path)) return { path, tried };
    tried.push(`${folder}: no executable ${name}`);
  }
  let onPath = false;
  for (const folder of places.path) {
    const path = join(folder, name);
    if (!(await isExecutable(path))) continue;
    onPath = true;
    const reason = await versionRefusal(name, path);
    if (reason === undefined) return { path, tried };
    tried.push(`${path}: ${reason}`);
  }
  if (!onPath) tried.push('PATH: not there');
  const cached = join(places.cache, name);
  if (await isExecutable(cached)) return { path: cached, tried };
  tried.push(`cache ${places.cache}: not there`);
  return { tried };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function versionRefusal(name: BinaryName, path: string): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(path, versionArguments[name], { timeout: 10_000 });
    return refusal(name, stdout + stderr);
  } catch (cause) {
    return `does not tell its version (${messageOf(cause).split('\n')[0]})`;
  }
}
