// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { json, StubApiServer } from '../testing/stubApiServer.ts';
import { complete } from './complete.ts';
import { completionScript } from './scripts.ts';

let folder: string;
let parent: StubApiServer;
let parentFlag: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'complete-'));
  parent = await StubApiServer.start();
  parent.handler = ({ line }, response) => {
    const named = (...names: string[]): object => ({ metadata: {}, items: names.map((name) => ({ metadata: { name } })) });
    json(response, line.includes('managedclusters') ? named('eu-2', 'eu-1', 'us-1') : named('shop'));
  };
  await writeFile(join(folder, 'config'), parent.kubeconfig());
  await writeFile(join(folder, 'kubectl'), `#!/bin/sh\nprintf '%s\\n' "$@" :4\n`);
  await chmod(join(folder, 'kubectl'), 0o755);
  process.env['CLUSTERNET_KUBECTL'] = join(folder, 'kubectl');
  parentFlag = `--kubeconfig=${folder}/config`;
});

afterAll(async () => {
  delete process.env['CLUSTERNET_KUBECTL'];
  await parent[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const of = async (...words: string[]): Promise<string[]> => (await complete([parentFlag, ...words])).trim().split('\n');

describe('completion', () => {
  it('knows all commands', async () => {
    const lines = await of('d');
    expect(lines.map((line) => line.split('\t')[0])).toEqual(
      expect.arrayContaining(['describe', 'delete', 'diff', 'deny', 'doctor', ':4']),
    );
  });

  it("leaves the words of kubectl's commands to kubectl", async () => {
    expect(await of('get', '-n', 'x', 'po')).toEqual(['__complete', 'get', '-n', 'x', 'po', ':4']);
  });

  it('knows the names of clusters and Subscriptions, and contexts', async () => {
    expect(await of('visit', 'eu')).toEqual(['eu-1', 'eu-2', ':4']);
    expect(await of('clusters', '')).toEqual(['describe', 'health', 'list', 'eu-1', 'eu-2', 'us-1', ':4']);
    expect(await of('logs', '--cluster-id', 'us')).toEqual(['us-1', ':4']);
    expect(await of('logs', '--cluster-id=us')).toEqual(['--cluster-id=us-1', ':4']);
    expect(await of('status', 's')).toEqual(['shop', ':4']);
    expect(await of('get', '--context', '')).toEqual(['stub', ':4']);
    expect(await of('completion', 'z')).toEqual(['zsh', ':4']);
  });

  it('knows what comes where, and offers nothing that would be refused', async () => {
    expect(await of('status', 'shop', '')).toEqual([':4']);
    expect(await of('status', '-n', '')).toEqual(['shop', ':4']);
    expect(parent.received.at(-1)?.line).toContain('/api/v1/namespaces');
    expect(await of('status', '-o', '')).toEqual(['json', 'yaml', ':4']);
    expect(await of('clusters', '-o', 'w')).toEqual(['wide', ':4']);
    expect((await of('help', 'clu')).map((line) => line.split('\t')[0])).toEqual(['cluster-info', 'clusters', ':4']);
    expect(await of('rollout', 'un')).toEqual(['undo', ':4']);
    expect(await of('rollout', 'undo', '')).toEqual(['shop', ':4']);
    expect(await of('rollout', 'undo', 'shop', '--cluster', 'us')).toEqual(['us-1', ':4']);
    expect(await of('rollout', 'restart', 'dep')).toEqual(['__complete', 'rollout', 'restart', 'dep', ':4']);
  });

  it('offers nothing rather than failing', async () => {
    expect(await complete(['visit', '--kubeconfig=/nowhere', ''])).toBe(':0\n');
    expect(await complete([])).toContain('get\t');
  });

  it('has a script that bash understands', async () => {
    await expect(promisify(execFile)('bash', ['-n', '-c', completionScript('bash')])).resolves.toBeDefined();
    expect(completionScript('zsh')).toContain('#compdef kubectl-clusternet');
    expect(completionScript('fish')).toContain('complete -c kubectl-clusternet');
  });
});
