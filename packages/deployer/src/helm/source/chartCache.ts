// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChartCredentials, type ChartRef } from './chartRef.ts';
import { type ChartSource } from './chartSource.ts';
import { isExactVersion } from './chartVersions.ts';
import { type ChartContents, checkArchive } from './checkArchive.ts';

/** A checked chart on disk. */
export interface CachedChart {
  /** Path of its archive. */
  path: string;
  /** Exact version. */
  version: string;
  digest: string;
  contents: ChartContents;
}

/** Options of {@link ChartCache}. */
export interface ChartCacheOptions {
  source: Pick<ChartSource, 'fetch'>;
  /** Folder of its own; made when missing. */
  folder: string;
  /** Most bytes of all archives together; default 500 MB. */
  maxBytes?: number;
}

/**
 * Keeps fetched charts: one that several clusters get is fetched once, also when they ask at the same time. A chart is known by repository,
 * name, version and digest; without a digest, or with a range, the repository is asked again by each who asks alone.
 */
export class ChartCache {
  readonly #o: ChartCacheOptions;
  readonly #pending = new Map<string, Promise<CachedChart>>();

  constructor(options: ChartCacheOptions) {
    this.#o = options;
  }

  /**
   * The archive of a chart, checked.
   *
   * @throws ChartSourceError
   */
  get(ref: ChartRef, o: { credentials?: ChartCredentials; digest?: string; signal?: AbortSignal } = {}): Promise<CachedChart> {
    const key = keyOf(ref, o.digest, o.credentials);
    const running = this.#pending.get(key);
    if (running) return running;
    // Whoever began may lose interest; the others still want it, so that nobody's signal ends it.
    const work = this.#load(key, ref, o).finally(() => this.#pending.delete(key));
    this.#pending.set(key, work);
    return work;
  }

  async #load(key: string, ref: ChartRef, o: { credentials?: ChartCredentials; digest?: string }): Promise<CachedChart> {
    const path = join(this.#o.folder, `${key}.tgz`);
    const known = o.digest !== undefined && isExactVersion(ref.version) ? await this.#read(path, o.digest) : undefined;
    if (known) return known;
    const { archive, digest, version } = await this.#o.source.fetch(ref, { credentials: o.credentials, expected: o.digest });
    const contents = await checkArchive(archive);
    await mkdir(this.#o.folder, { recursive: true, mode: 0o700 });
    const target = join(this.#o.folder, `${key}-${digest.slice(-16)}.tgz`);
    const final = o.digest === undefined ? target : path;
    const aside = `${final}.${process.pid}.part`;
    await writeFile(aside, archive, { mode: 0o600 });
    await rename(aside, final);
    await this.#makeRoom(final);
    return { path: final, version, digest, contents };
  }

  async #read(path: string, digest: string): Promise<CachedChart | undefined> {
    const archive = await readFile(path).catch(() => undefined);
    if (archive === undefined) return undefined;
    // What lies on a disk may be cut short or changed.
    if (`sha256:${createHash('sha256').update(archive).digest('hex')}` !== digest) return undefined;
    const contents = await checkArchive(archive);
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return { path, version: contents.version, digest, contents };
  }

  /** Drops those that were not used for the longest time. */
  async #makeRoom(keep: string): Promise<void> {
    const names = await readdir(this.#o.folder);
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#o.folder, name);
        const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
        return { path, size, mtimeMs };
      }),
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= (this.#o.maxBytes ?? 500_000_000)) return;
      if (path === keep) continue;
      await rm(path, { force: true });
      total -= size;
    }
  }
}

/** Credentials are part of the key: who may not read a chart does not get it because somebody else may. */
function keyOf(ref: ChartRef, digest: string | undefined, credentials: ChartCredentials | undefined): string {
  const { repo, chart, version = '', plainHTTP = false } = ref;
  const parts = [repo, chart, version, plainHTTP, digest, credentials?.username, credentials?.password, credentials?.caPem];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
}
