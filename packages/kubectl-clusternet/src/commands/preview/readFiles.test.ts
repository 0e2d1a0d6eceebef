// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CliError } from '../../errors.ts';
import { parseObjects, readObjects } from './readFiles.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'preview-'));
});
afterEach(() => rm(folder, { recursive: true }));

const object = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

describe('files to preview', () => {
  it('are read from files, folders, and with -R from folders of folders', async () => {
    await mkdir(join(folder, 'more'));
    await writeFile(join(folder, 'b.yaml'), `${object('b')}---\n${object('c')}`);
    await writeFile(join(folder, 'a.json'), JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }));
    await writeFile(join(folder, 'notes.txt'), 'nothing');
    await writeFile(join(folder, 'more', 'd.yml'), object('d'));
    const names = async (recursive: boolean): Promise<string[]> =>
      (await readObjects([folder], { recursive })).map(({ metadata }) => metadata.name);
    expect(await names(false)).toEqual(['a', 'b', 'c']);
    expect(await names(true)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('may be lists, and hold nothing', () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }],
    });
    expect(parseObjects(list, 'x').map(({ kind }) => kind)).toEqual(['Secret']);
    expect(parseObjects('', 'x')).toEqual([]);
    expect(parseObjects('---\n---\n', 'x')).toEqual([]);
  });

  it.each([
    ['a: [1', 'x, line 1: not valid YAML'],
    [`${object('a')}---\nkind: Secret\n`, 'x, document 2: an object needs apiVersion, kind and metadata.name'],
  ])('%j is refused', (text, message) => {
    expect(() => parseObjects(text, 'x')).toThrow(CliError);
    expect(() => parseObjects(text, 'x')).toThrow(message);
  });

  it('that are not there are told', async () => {
    await expect(readObjects([join(folder, 'none')], {})).rejects.toThrow('there is no file or folder');
  });
});
