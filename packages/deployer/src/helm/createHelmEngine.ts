// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { accessSync, constants, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type HelmEngine } from './helmDeployer.ts';
import { HelmPool } from './run/helmPool.ts';
import { ChartCache } from './source/chartCache.ts';
import { ChartSource } from './source/chartSource.ts';
import { SourcePolicy } from './source/sourcePolicy.ts';

/** What the flags of a service say about helm. */
export interface HelmSettings {
  /** Path of helm; empty for the one beside the program, then that on PATH. */
  path: string;
  /** Folder for charts; empty for one of the process's own among the temporary files. */
  cacheDir: string;
  concurrency: number;
  /** MiB that one helm process may take. */
  memoryMiB: number;
  /** Addresses that charts are fetched from although they are refused by default. */
  allow: readonly string[];
  /** File with CAs of repositories besides those of the system; empty for none. */
  caFile: string;
}

/** Makes what all deployers of a service share, and where charts come from. */
export function createHelmEngine(o: HelmSettings): HelmEngine & { source: ChartSource } {
  removeLeftovers();
  const caPem = o.caFile === '' ? undefined : readCa(o.caFile);
  const source = new ChartSource({ policy: new SourcePolicy(o.allow), ...(caPem === undefined ? {} : { caPem }) });
  const folder = o.cacheDir === '' ? join(tmpdir(), `clusternet-charts-${process.pid}`) : join(o.cacheDir, 'charts');
  const pool = new HelmPool({
    path: o.path === '' ? findHelm() : o.path,
    concurrency: o.concurrency,
    maxMemory: o.memoryMiB * 1024 * 1024,
  });
  return { pool, charts: new ChartCache({ source, folder }), source };
}

/** What a service that was killed has left: folders with credentials above all. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(/^clusternet-(?:helm|charts)-(\d+)/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || pid === 0 || isAlive(pid)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Somebody else's: it is theirs to remove.
    }
  }
}

function isAlive(pid: number): boolean {
  // In a container every start has the same number, and nothing of an earlier one runs.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** The helm beside the program, as images have it, or the first on PATH, which helm itself is not given. */
function findHelm(): string {
  const folders = [dirname(process.argv[1] ?? '.'), ...(process.env['PATH'] ?? '').split(delimiter)];
  const paths = folders.filter((folder) => folder !== '').map((folder) => join(folder, 'helm'));
  return paths.find(isExecutable) ?? 'helm';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`--helm-ca-file: the file ${file} cannot be read`, { cause });
  }
}
