// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the system's own words; empty if unknown. */
  startTime: string;
}

/** When the process started, in words that are the same each time for one process; `undefined` if there is none. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const fields = statOf(`/proc/${pid}`);
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  return ps(pid, 'lstart');
}

/**
 * Whether a process stands still after a SIGSTOP, with all its threads: on a busy machine the signal is taken some time after it was sent, and
 * work goes on until then.
 */
export function isStopped(pid: number): boolean {
  if (process.platform !== 'linux') return ps(pid, 'state')?.startsWith('T') ?? false;
  try {
    const tasks = `/proc/${pid}/task`;
    return readdirSync(tasks).every((task) => statOf(`${tasks}/${task}`)[0] === 'T');
  } catch {
    return false;
  }
}

/** The fields of a `stat` of /proc from the third on: after the command's name, which may itself hold spaces and parentheses. */
function statOf(folder: string): string[] {
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** What `ps` says of a process; `undefined` if there is none. */
function ps(pid: number, column: string): string | undefined {
  try {
    const args = ['-o', `${column}=`, '-p', String(pid)];
    const text = execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.trim() === '' ? undefined : text.trim();
  } catch {
    return undefined;
  }
}

/** Whether that very process is still there (a zombie is not). */
export function isSameProcess(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/** Sends a signal to that very process; `false` if it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isSameProcess(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}
