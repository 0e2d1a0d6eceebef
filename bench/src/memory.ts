// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** Clock ticks per second in /proc, the same on every Linux that Node.js runs on. */
const TICKS = 100;

/** Processor time that a process has taken so far, its own and the kernel's for it, in milliseconds: what counts on a busy machine. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold anything; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** Resident memory of a process in MB. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}
