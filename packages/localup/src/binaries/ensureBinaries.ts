// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalupError, messageOf } from '../errors.ts';
import { type Progress, silent } from '../progress.ts';
import { type BinaryName, binaryNames, type ClusterBinaryName, versions } from '../versions.ts';
import { cacheFolder } from './cacheFolder.ts';
import { Downloader } from './download.ts';
import { buildWithGo } from './goBuild.ts';
import { locate, pathFolders, type Places } from './locate.ts';
import { withLock } from './lock.ts';
import { currentPlatform, officialHosts, type ReleaseHosts, releaseOf } from './releases.ts';

/** Paths of executables. */
export type Binaries = Record<ClusterBinaryName, string> & Partial<Record<Exclude<BinaryName, ClusterBinaryName>, string>>;

/** How binaries are found or made. */
export interface EnsureBinariesOptions {
  /** What is needed; all of them if left out. */
  names?: readonly BinaryName[];
  /** A folder to look in before all others. */
  binDir?: string;
  /** Read for KUBEBUILDER_ASSETS, PATH and XDG_CACHE_HOME. */
  env?: NodeJS.ProcessEnv;
  progress?: Progress;
  /** Other hosts than the official ones. */
  hosts?: ReleaseHosts;
  connectTimeoutMs?: number;
  /** Makes binaries of sources in a folder; {@link buildWithGo} if left out. */
  build?: (names: BinaryName[], folder: string, progress: Progress) => Promise<void>;
}

/**
 * Finds each binary: `binDir` and KUBEBUILDER_ASSETS, PATH (if its version will do), localup's cache; and what is nowhere is
 * downloaded from its project's releases (checked by the published SHA-256) or built from pinned Go modules, into the cache.
 * @throws LocalupError naming all that was tried, and what to install.
 */
export async function ensureBinaries(options: EnsureBinariesOptions = {}): Promise<Binaries> {
  const { names = binaryNames, env = process.env, progress = silent } = options;
  const places: Places = {
    explicit: [options.binDir, env['KUBEBUILDER_ASSETS']].filter((folder) => folder !== undefined && folder !== '') as string[],
    path: pathFolders(env['PATH']),
    cache: cacheFolder(env),
  };
  const found: Partial<Binaries> = {};
  const tried = new Map<BinaryName, string[]>();
  await Promise.all(
    names.map(async (name) => {
      const located = await locate(name, places);
      if (located.path !== undefined) found[name] = located.path;
      tried.set(name, located.tried);
    }),
  );
  const missing = (): BinaryName[] => names.filter((name) => found[name] === undefined);
  if (missing().length > 0) {
    await mkdir(places.cache, { recursive: true });
    await withLock(
      join(places.cache, '.lock'),
      async () => {
        // Another process may have made them while this one waited for the lock.
        await lookIntoCache();
        await removeUnfinished(places.cache);
        if (missing().length > 0) progress(`not on this machine yet: ${missing().join(', ')}`);
        await downloadMissing();
        await buildMissing();
      },
      (pid) => progress(`waiting for process ${pid}, which is getting the binaries`),
    );
  }
  if (missing().length > 0) throw new LocalupError(explain(missing(), tried));
  return found as Binaries;

  async function lookIntoCache(): Promise<void> {
    for (const name of missing()) {
      const { path } = await locate(name, { ...places, path: [] });
      if (path !== undefined) found[name] = path;
    }
  }

  async function downloadMissing(): Promise<void> {
    const downloader = new Downloader({ connectTimeoutMs: options.connectTimeoutMs });
    try {
      for (const name of missing()) {
        const release = releaseOf(name, currentPlatform(), options.hosts ?? officialHosts);
        if (!release) {
          tried.get(name)?.push('download: none is published for this platform');
          continue;
        }
        try {
          const target = join(places.cache, name);
          await downloader.download(release, target, progress);
          found[name] = target;
        } catch (cause) {
          tried.get(name)?.push(`download: ${messageOf(cause)}`);
        }
      }
    } finally {
      await downloader.close();
    }
  }

  async function buildMissing(): Promise<void> {
    const names = missing();
    if (names.length === 0) return;
    const reasons = new Set(names.map((name) => tried.get(name)?.at(-1)));
    for (const reason of reasons) progress(`cannot be downloaded here: ${reason}`);
    try {
      await (options.build ?? buildWithGo)(names, places.cache, progress);
    } catch (cause) {
      for (const name of names) tried.get(name)?.push(`build: ${messageOf(cause)}`);
    }
    // Some may have been built before the one that failed.
    await lookIntoCache();
  }
}

/** Removes what downloads and builds that were killed have left. */
async function removeUnfinished(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('.build-') && !name.includes('.download-')) continue;
    await rm(join(cache, name), { recursive: true, force: true });
  }
}

function explain(missing: BinaryName[], tried: Map<BinaryName, string[]>): string {
  const lines = missing.map((name) => `  ${name}\n${(tried.get(name) ?? []).map((text) => `    - ${text}`).join('\n')}`);
  const minor = versions.kubernetes.split('.').slice(0, 2).join('.');
  return [
    `these programs are needed and could not be had: ${missing.join(', ')}`,
    ...lines,
    'Do one of these and try again:',
    `  - install Go 1.25 or newer (with access to a Go module proxy): they are then built from source`,
    `  - give access to dl.k8s.io, github.com and get.helm.sh: they are then downloaded`,
    `  - put them into one folder (Kubernetes ${minor}) and name it with --bin-dir or KUBEBUILDER_ASSETS`,
  ].join('\n');
}
