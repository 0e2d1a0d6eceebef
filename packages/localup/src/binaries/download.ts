// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { Agent, fetch } from 'undici';
import { LocalupError, messageOf } from '../errors.ts';
import { type Progress } from '../progress.ts';
import { publishedSha256, sha256OfFile } from './checksum.ts';
import { type Release } from './releases.ts';

/** How long a download may wait for a host to answer, in milliseconds. A silent host costs this once, not per file. */
export const connectTimeoutMs = 3_000;

/** Downloads releases, and forgets hosts that did not answer. */
export class Downloader {
  readonly #agent: Agent;
  readonly #unreachable = new Map<string, string>();
  readonly #probeMs: number;

  constructor(options: { connectTimeoutMs?: number } = {}) {
    this.#probeMs = options.connectTimeoutMs ?? connectTimeoutMs;
    this.#agent = new Agent({ connect: { timeout: this.#probeMs }, headersTimeout: 20_000, bodyTimeout: 30_000 });
  }

  /**
   * Puts the binary of a release at `target`, whole and checked, or not at all.
   * @throws LocalupError when the host is not reached, the file is not there, or its checksum is another.
   */
  async download(release: Release, target: string, progress: Progress): Promise<void> {
    const file = basename(new URL(release.url).pathname);
    const published = await this.#checksum(release, file);
    progress(`downloading ${release.url}`);
    const folder = await mkdtemp(`${target}.download-`);
    try {
      const archive = join(folder, 'download');
      const response = await this.#get(release.url);
      await pipeline(Readable.from(response), createWriteStream(archive));
      const actual = await sha256OfFile(archive);
      if (actual !== published) {
        throw new LocalupError(`${release.url} has SHA-256 ${actual}, published is ${published}: not used`);
      }
      let binary = archive;
      if (release.member !== undefined) {
        await extract({ file: archive, cwd: folder }, [release.member]);
        binary = join(folder, release.member);
      }
      await chmod(binary, 0o755);
      await rename(binary, target);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Ends its connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #checksum(release: Release, file: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.#get(release.checksumUrl, this.#probeMs * 2)) chunks.push(chunk);
    const published = publishedSha256(Buffer.concat(chunks).toString('utf8'), file);
    if (published === undefined) throw new LocalupError(`${release.checksumUrl} names no SHA-256 of ${file}`);
    return published;
  }

  async #get(url: string, timeoutMs?: number): Promise<AsyncIterable<Uint8Array>> {
    const { host } = new URL(url);
    const known = this.#unreachable.get(host);
    if (known !== undefined) throw new LocalupError(`${host}: ${known}`);
    let response;
    try {
      response = await fetch(url, {
        dispatcher: this.#agent,
        ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
      });
    } catch (cause) {
      const reason = `not reached (${messageOf(cause)})`;
      this.#unreachable.set(host, reason);
      throw new LocalupError(`${host}: ${reason}`, { cause });
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      // A proxy that refuses the host would refuse each of its files.
      if (response.status === 403 || response.status === 407) this.#unreachable.set(host, `answers ${response.status}`);
      throw new LocalupError(`${url}: answers ${response.status}`);
    }
    return response.body;
  }
}
