// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clustersOf, prepareFolder } from './clusters.ts';
import { isSetRunning, sweepTemporaryFolders, temporaryPrefix } from './supervisor/leftovers.ts';
import { startTimeOf } from './supervisor/processTable.ts';
import { processFile, type ProcessFile } from './supervisor/protocol.ts';
import { TemporaryFolder } from './testing/temporaryFolder.ts';

describe('clustersOf', () => {
  it('makes a parent and numbered children', () => {
    expect(clustersOf({ children: 2 }).map(({ name }) => name)).toEqual(['parent', 'child1', 'child2']);
    expect(clustersOf({ parent: false, children: [{ name: 'edge' }, { nodes: 1 }] })).toEqual([
      { name: 'edge' },
      { name: 'child2', nodes: 1 },
    ]);
  });

  it.each([
    [{ parent: false }, 'no cluster is asked for'],
    [{ children: [{ name: 'a' }, { name: 'a' }] }, 'two clusters are named "a"'],
    [{ children: [{ name: 'parent' }] }, 'two clusters are named "parent"'],
    [{ children: [{ name: '../up' }] }, '"../up" is no name'],
    [{ children: [{ name: 'etcd' }] }, 'may not be named "etcd"'],
    [{ children: [{ nodes: 1.5 }] }, '1.5 is no number of nodes'],
  ])('refuses %j', (options, message) => {
    expect(() => clustersOf(options)).toThrow(message);
  });
});

describe('the folder of a set', () => {
  it('may be new or empty, and never holds what is not ours', async () => {
    await using root = await TemporaryFolder.create();
    expect(await prepareFolder(join(root.path, 'new'), () => {})).toBe(join(root.path, 'new'));
    await writeFile(join(root.path, 'new', 'thesis.txt'), 'precious');
    await expect(prepareFolder(join(root.path, 'new'), () => {})).rejects.toThrow(/not localup's \(thesis.txt\)/);
    expect(existsSync(join(root.path, 'new', 'thesis.txt'))).toBe(true);
  });

  it('that a dead supervisor left is emptied', async () => {
    await using root = await TemporaryFolder.create();
    await writeProcessFile(root.path, { supervisor: { pid: 999_999_999, startTime: '1' }, processes: [] });
    await writeFile(join(root.path, 'old.log'), '');
    const said: string[] = [];
    await prepareFolder(root.path, (line) => said.push(line));
    expect(existsSync(join(root.path, 'old.log'))).toBe(false);
    expect(said.join()).toContain('crashed run');
  });

  it('of a living supervisor is refused', async () => {
    await using root = await TemporaryFolder.create();
    await writeProcessFile(root.path, living());
    expect(isSetRunning(root.path)).toBe(true);
    await expect(prepareFolder(root.path, () => {})).rejects.toThrow('run in');
  });

  it('is swept if it is a temporary one whose supervisor is dead, and then only', async () => {
    await using root = await TemporaryFolder.create();
    const [dead, alive, foreign] = [`${temporaryPrefix}dead`, `${temporaryPrefix}alive`, 'other'].map((name) =>
      join(root.path, name),
    ) as [string, string, string];
    for (const folder of [dead, alive, foreign]) await mkdir(folder);
    // A number that belongs to another process by now is not ours to end.
    const reused = { name: 'etcd', pid: process.pid, startTime: 'before' };
    await writeProcessFile(dead, { supervisor: { pid: process.pid, startTime: 'before' }, processes: [reused] });
    await writeProcessFile(alive, living());
    expect(await sweepTemporaryFolders(root.path)).toEqual([dead]);
    expect([dead, alive, foreign].map((folder) => existsSync(folder))).toEqual([false, true, true]);
  });
});

function living(): ProcessFile {
  return { supervisor: { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' }, processes: [] };
}

async function writeProcessFile(folder: string, content: ProcessFile): Promise<void> {
  await writeFile(join(folder, processFile), JSON.stringify(content));
}
