// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { fakeBinary } from '../testing/fakeBinary.ts';
import { TemporaryFolder } from '../testing/temporaryFolder.ts';
import { type BinaryName, versions } from '../versions.ts';
import { cacheFolder } from './cacheFolder.ts';
import { ensureBinaries, type EnsureBinariesOptions } from './ensureBinaries.ts';
import { currentPlatform, releaseOf } from './releases.ts';

let server: Server;
let folder: TemporaryFolder;
let files: Map<string, Buffer>;
let asked: string[];
let built: BinaryName[][];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const file = files.get(request.url ?? '');
    response.writeHead(file ? 200 : 404).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});
afterAll(() => {
  server.close();
});
beforeEach(async () => {
  folder = await TemporaryFolder.create();
  files = new Map();
  asked = [];
  built = [];
});

describe('ensureBinaries', () => {
  it('downloads what is nowhere, checks it, keeps it in the cache and finds it there the next time', async () => {
    publish('kubectl', Buffer.from('#!/bin/sh\necho kubectl\n'));
    const { kubectl } = await ensure(['kubectl']);
    expect(kubectl).toBe(join(cacheFolder(env()), 'kubectl'));
    expect(await readFile(kubectl, 'utf8')).toContain('echo kubectl');
    asked = [];
    expect((await ensure(['kubectl'])).kubectl).toBe(kubectl);
    expect(asked).toEqual([]);
    expect(built).toEqual([]);
  });

  it('takes the binary out of an archive', async () => {
    const { os, arch } = currentPlatform();
    await mkdir(join(folder.path, 'pack'));
    await fakeBinary(join(folder.path, 'pack', `${os}-${arch}`), 'helm', 'v3');
    const archive = join(folder.path, 'helm.tar.gz');
    await create({ gzip: true, file: archive, cwd: join(folder.path, 'pack') }, [`${os}-${arch}`]);
    publish('helm', await readFile(archive));
    const { helm } = await ensure(['helm']);
    expect(await readFile(helm, 'utf8')).toContain("echo 'v3'");
    expect((await readdir(dirname(helm))).sort()).toEqual(['helm']);
  });

  it('never keeps a file with another checksum, and builds instead', async () => {
    publish('kubectl', Buffer.from('good'));
    files.set(new URL(urlOf('kubectl')).pathname, Buffer.from('evil'));
    const { kubectl } = await ensure(['kubectl']);
    expect(built).toEqual([['kubectl']]);
    expect(await readFile(kubectl, 'utf8')).toContain('built');
  });

  it('asks a host that is not reached once, and builds all that is missing at one go', async () => {
    const nowhere = 'http://127.0.0.1:1';
    const progress: string[] = [];
    await ensure(['kubectl', 'kwok', 'helm'], {
      hosts: { kubernetes: nowhere, github: nowhere, helm: nowhere },
      progress: (line) => progress.push(line),
    });
    expect(built).toEqual([['kubectl', 'kwok', 'helm']]);
    expect(progress.filter((line) => line.includes('not reached'))).toHaveLength(1);
  });

  it('names all that it tried, and what to do, when nothing helps', async () => {
    const failing = ensure(['kube-apiserver'], {
      binDir: join(folder.path, 'mine'),
      build: async () => Promise.reject(new Error('Go is not installed')),
    });
    await expect(failing).rejects.toThrow(
      /could not be had: kube-apiserver[^]*mine: no executable[^]*PATH: not there[^]*cache [^]*answers 404[^]*build: Go is not installed[^]*install Go[^]*--bin-dir/,
    );
  });

  it('builds once when two ask at the same time', async () => {
    const [first, second] = await Promise.all([ensure(['kwok']), ensure(['kwok'])]);
    expect(first.kwok).toBe(second.kwok);
    expect(built).toEqual([['kwok']]);
    expect(existsSync(join(cacheFolder(env()), '.lock'))).toBe(false);
  });
});

function env(): NodeJS.ProcessEnv {
  return { PATH: '', XDG_CACHE_HOME: join(folder.path, 'cache') };
}

function ensure(names: BinaryName[], options: EnsureBinariesOptions = {}): ReturnType<typeof ensureBinaries> {
  return ensureBinaries({
    names,
    env: env(),
    hosts: hosts(),
    build: async (missing, cache) => {
      built.push(missing);
      for (const name of missing) await fakeBinary(cache, name, 'built');
    },
    ...options,
  });
}

function hosts(): { kubernetes: string; github: string; helm: string } {
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { kubernetes: host, github: host, helm: host };
}

function urlOf(name: BinaryName): string {
  return releaseOf(name, currentPlatform(), hosts())?.url ?? '';
}

function publish(name: BinaryName, content: Buffer): void {
  const release = releaseOf(name, currentPlatform(), hosts());
  if (!release) throw new Error(`${name} ${versions.kubernetes} is not published for this platform`);
  files.set(new URL(release.url).pathname, content);
  files.set(new URL(release.checksumUrl).pathname, Buffer.from(createHash('sha256').update(content).digest('hex')));
}
