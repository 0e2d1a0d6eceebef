// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../errors.ts';
import { isSameProcess, type ProcessIdentity, startTimeOf } from '../supervisor/processTable.ts';

/**
 * Runs `work` while holding the lock file at `path`, so that of several processes one works and the others wait for it.
 * The lock of a process that died is taken over.
 * @param onWait called once when another process holds the lock.
 * @remarks Two processes that take over a dead one's lock in the same instant may both work: `work` must stay right then.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, onWait: (pid: number) => void = () => {}): Promise<T> {
  for (let waited = false; !(await tryLock(path));) {
    const holder = await holderOf(path);
    if (holder === undefined) continue;
    if (!isSameProcess(holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (!waited) onWait(holder.pid);
    waited = true;
    await sleep(300);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  // Written aside and linked into place, so that a lock is never seen without its holder's name.
  const own = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(own, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) ?? '' }));
  try {
    await link(own, path);
    return true;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false;
    throw cause;
  } finally {
    await rm(own, { force: true });
  }
}

async function holderOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined;
    return { pid: 0, startTime: 'unreadable' };
  }
}
