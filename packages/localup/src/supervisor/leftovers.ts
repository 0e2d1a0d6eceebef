// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSameProcess, signalProcess } from './processTable.ts';
import { processFile, type ProcessFile } from './protocol.ts';

/** How the names of folders begin that localup makes for itself in the system's folder for temporary files. */
export const temporaryPrefix = 'clusternet-localup-';

/** What the folder's process file says, if it is one of localup's. */
export function readProcessFile(folder: string): ProcessFile | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, processFile), 'utf8')) as ProcessFile;
  } catch {
    return undefined;
  }
}

/** Whether the supervisor of the folder is alive. */
export function isSetRunning(folder: string): boolean {
  const file = readProcessFile(folder);
  return file !== undefined && isSameProcess(file.supervisor);
}

/**
 * Ends the set in a folder, by its supervisor if that is alive.
 * @returns whether there was one.
 */
export async function endSet(folder: string): Promise<boolean> {
  const file = readProcessFile(folder);
  if (!file) return false;
  if (signalProcess(file.supervisor, 'SIGTERM')) {
    for (let waited = 0; isSameProcess(file.supervisor) && waited < 10_000; waited += 50) await sleep(50);
    signalProcess(file.supervisor, 'SIGKILL');
  }
  await endLeftovers(folder);
  return true;
}

/** Ends the processes that a supervisor left when it was killed itself, and removes its folder. Leaves living sets alone. */
export async function endLeftovers(folder: string): Promise<boolean> {
  const file = readProcessFile(folder);
  if (!file || isSameProcess(file.supervisor)) return false;
  if (file.processes.some(isSameProcess)) killGroup(file.supervisor.pid);
  for (const left of file.processes) signalProcess(left, 'SIGKILL');
  for (let waited = 0; file.processes.some(isSameProcess) && waited < 5_000; waited += 20) await sleep(20);
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  return true;
}

/** The supervisor led a group that its processes, and theirs, still form: its number is not given again while they live. */
function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // No such group: the processes are then ended one by one.
  }
}

/** {@link endLeftovers} for all of localup's temporary folders. Returns those that it removed. */
export async function sweepTemporaryFolders(root = tmpdir()): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(root)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    const folder = join(root, name);
    const info = await stat(folder).catch(() => undefined);
    if (!info?.isDirectory() || info.uid !== process.getuid?.()) continue;
    if (await endLeftovers(folder)) removed.push(folder);
  }
  return removed;
}
