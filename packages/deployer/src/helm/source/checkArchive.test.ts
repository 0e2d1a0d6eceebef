// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Buffer } from 'node:buffer';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create, Header } from 'tar';
import { type ArchiveLimits, checkArchive, defaultArchiveLimits } from './checkArchive.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archive-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const chartYaml = 'apiVersion: v2\nname: web\nversion: 1.0.0\n';

async function pack(
  files: Record<string, string | Buffer>,
  o: { links?: Record<string, string>; tops?: string[] } = {},
): Promise<Buffer> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  for (const [path, target] of Object.entries(o.links ?? {})) await symlink(target, join(folder, path));
  const file = join(folder, 'out.tgz');
  await create({ gzip: true, file, cwd: folder, portable: true }, o.tops ?? ['web']);
  return readFile(file);
}

/** An archive of headers as somebody with bad intentions writes them. */
function crafted(
  entries: { path: string; size?: number; type?: 'File' | 'Link' | 'CharacterDevice'; linkpath?: string }[],
): Buffer {
  const blocks = entries.map(({ path, size = 0, type = 'File', linkpath }) => {
    const block = Buffer.alloc(512);
    new Header({ path, size, type, linkpath, mode: 0o644 }).encode(block);
    return block;
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const check = (archive: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<unknown> =>
  checkArchive(archive, { ...defaultArchiveLimits, ...limits });

describe('checkArchive', () => {
  it('reads what is asked about a chart, its dependencies first', async () => {
    const inner = await pack({ 'web/Chart.yaml': 'name: inner\nversion: 0.1.0\n', 'web/crds/a.yaml': 'inner crd' });
    await rm(join(folder, 'web'), { recursive: true });
    const archive = await pack({
      'web/Chart.yaml': chartYaml,
      'web/templates/a.yaml': 'x',
      'web/crds/b.yaml': 'outer crd',
      'web/crds/readme.md': 'no crd',
      'web/charts/inner-0.1.0.tgz': inner,
      'web/charts/sub/Chart.yaml': 'name: sub\nversion: 1.0.0\n',
      'web/charts/sub/crds/c.yml': 'sub crd',
    });
    expect(await check(archive)).toEqual({ name: 'web', version: '1.0.0', crds: ['inner crd', 'sub crd', 'outer crd'] });
  });

  it('takes no links', async () => {
    const archive = await pack({ 'web/Chart.yaml': chartYaml }, { links: { 'web/values.yaml': '/etc/passwd' } });
    await expect(check(archive)).rejects.toThrow(
      /holds "web\/values.yaml", which is neither a file nor a folder but SymbolicLink/,
    );
    await expect(check(crafted([{ path: 'web/x', type: 'Link', linkpath: '/etc/shadow' }]))).rejects.toThrow(/but Link/);
    await expect(check(crafted([{ path: 'web/tty', type: 'CharacterDevice' }]))).rejects.toThrow(/but CharacterDevice/);
  });

  it.each(['../web/Chart.yaml', 'web/../../x', '/etc/cron.d/x', 'web\\..\\x', 'C:/x'])(
    'takes no path such as %s',
    async (path) => {
      await expect(check(crafted([{ path }]))).rejects.toThrow(/a path that leads out of it/);
    },
  );

  it('takes one folder only', async () => {
    await expect(check(crafted([{ path: 'web/a' }, { path: 'other/b' }]))).rejects.toThrow(/must have one folder/);
  });

  it('bounds files, their number and what all unpack to', async () => {
    const zeros = Buffer.alloc(300_000);
    const archive = await pack({ 'web/Chart.yaml': chartYaml, 'web/a': zeros, 'web/b': zeros, 'web/c': zeros });
    expect(archive.length).toBeLessThan(5_000);
    await expect(check(archive, { file: 200_000 })).rejects.toThrow(/of 300000 bytes; 200000 is the most/);
    await expect(check(archive, { total: 500_000 })).rejects.toThrow(/unpacks to more than 500000 bytes/);
    await expect(check(archive, { entries: 3 })).rejects.toThrow(/holds more than 3 files/);
    await expect(check(gzipSync(Buffer.alloc(3_000_000)), { total: 1_000_000 })).rejects.toThrow(
      /unpacks to more than 1000000 bytes/,
    );
  });

  it('bounds archives inside of archives, and counts what they hold', async () => {
    const bomb = await pack({ 'web/Chart.yaml': chartYaml, 'web/a': Buffer.alloc(300_000) });
    await rm(join(folder, 'web'), { recursive: true });
    const archive = await pack({ 'web/Chart.yaml': chartYaml, 'web/charts/a-1.tgz': bomb, 'web/charts/b-1.tgz': bomb });
    await expect(check(archive, { total: 500_000 })).rejects.toThrow(/unpacks to more than 500000 bytes/);
    await expect(check(archive, { depth: 1 })).rejects.toThrow(/deeper than 1/);
  });

  it.each([
    ['nothing', '', /has a Chart.yaml without name or version/],
    ['no YAML', 'a: [', /a Chart.yaml that is not YAML/],
    ['a library', `${chartYaml}type: library\n`, /is of type "library": only charts of type application/],
  ])('says what is wrong with a Chart.yaml that is %s', async (_, text, message) => {
    await expect(check(await pack({ 'web/Chart.yaml': text }))).rejects.toThrow(message);
  });

  it('takes no archive without a Chart.yaml, and nothing that is none', async () => {
    await expect(check(await pack({ 'web/values.yaml': '' }))).rejects.toThrow(/has no Chart.yaml/);
    await expect(check(Buffer.from('<html>not found</html>'))).rejects.toThrow(/the archive of the chart cannot be read/);
    await expect(check(gzipSync('not a tar at all'))).rejects.toThrow(/the archive of the chart/);
  });

  it('takes no schema that reads local files', async () => {
    const schema = JSON.stringify({ properties: { a: { $ref: 'file:///var/run/secrets/token' } } });
    await expect(check(await pack({ 'web/Chart.yaml': chartYaml, 'web/values.schema.json': schema }))).rejects.toThrow(
      /refers to local files/,
    );
  });
});
