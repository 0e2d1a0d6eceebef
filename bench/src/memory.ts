// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** Resident memory of a process in MB. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}
