// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { invitation } from './invitation.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "it's a cache-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

it('works when pasted, without kubectl on PATH and with odd characters in paths', async () => {
  const kubectl = join(dir, 'kubectl');
  await writeFile(kubectl, '#!/bin/sh\nfor word; do printf "[%s]" "$word"; done; echo\n');
  await chmod(kubectl, 0o755);
  const text = invitation({
    kubectl,
    node: kubectl,
    plugin: join(dir, 'main.js'),
    parent: join(dir, 'parent'),
    children: [{ name: 'child1', kubeconfigPath: '/c/child1' }],
    visit: '/c/visit',
  });
  // A shell that reads line by line, as one that is pasted into does: an alias counts from the next line on.
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `${text}`], { env: { PATH: '/nowhere' } });
  expect(stdout.trim().split('\n')).toEqual([
    `[${dir}/main.js][--kubeconfig][${dir}/parent][-n][shop][scale][deployment][web][--replicas][5]`,
    '[--kubeconfig][/c/child1][-n][shop][get][pods]',
    '[--kubeconfig][/c/visit][-n][shop][get][pods]',
    `[--kubeconfig][${dir}/parent][get][subs][shop][-o][yaml]`,
    `[--kubeconfig][${dir}/parent][delete][subs][shop]`,
  ]);
});
