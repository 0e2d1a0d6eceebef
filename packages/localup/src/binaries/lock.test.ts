// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TemporaryFolder } from '../testing/temporaryFolder.ts';
import { withLock } from './lock.ts';

describe('withLock', () => {
  it('lets one work at a time, and leaves no file', async () => {
    await using folder = await TemporaryFolder.create();
    let inside = 0;
    const work = async (): Promise<void> => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(join(folder.path, 'lock'), work)));
    expect(await readdir(folder.path)).toEqual([]);
  });

  it.each(['{"pid": 999999999, "startTime": "1"}', 'not JSON'])('takes over a lock that holds %s', async (content) => {
    await using folder = await TemporaryFolder.create();
    await writeFile(join(folder.path, 'lock'), content);
    expect(await withLock(join(folder.path, 'lock'), async () => 'worked')).toBe('worked');
  });

  it('is given back when the work fails', async () => {
    await using folder = await TemporaryFolder.create();
    const path = join(folder.path, 'lock');
    await expect(withLock(path, async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(path, async () => 'worked')).toBe('worked');
  });
});
