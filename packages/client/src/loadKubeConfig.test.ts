// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadKubeConfig } from './loadKubeConfig.ts';

let dir: string;
const { KUBECONFIG, HOME } = process.env;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'client-'));
});

afterEach(async () => {
  restore('KUBECONFIG', KUBECONFIG);
  restore('HOME', HOME);
  await rm(dir, { recursive: true });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

async function write(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

const config = (name: string, current = name): string => `
clusters: [{name: ${name}, cluster: {server: "https://${name}:6443"}}]
users: [{name: ${name}, user: {token: secret-${name}}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}}}]
current-context: ${current}
`;

describe('loadKubeConfig', () => {
  it('reads a file and chooses a context', async () => {
    const path = await write('a', config('a', '""'));
    await expect(loadKubeConfig({ path })).rejects.toThrow(`no current context in ${path}: choose one`);
    const loaded = await loadKubeConfig({ path, context: 'a' });
    expect(loaded.config.getCurrentCluster()?.server).toBe('https://a:6443');
    expect(loaded.files).toEqual([path]);
    await expect(loadKubeConfig({ path, context: 'b' })).rejects.toThrow('there is no context "b"');
  });

  it('merges the files of KUBECONFIG, the first one wins, missing ones do not matter', async () => {
    const a = await write('a', config('a'));
    const b = await write('b', config('b') + '\n');
    const rival = await write('c', config('a').replace('https://a', 'https://rival'));
    process.env['KUBECONFIG'] = [join(dir, 'missing'), a, b, rival].join(delimiter);
    const loaded = await loadKubeConfig();
    expect(loaded.config.getCurrentCluster()?.server).toBe('https://a:6443');
    expect(loaded.config.getContexts().map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await loadKubeConfig({ context: 'b' })).config.getCurrentCluster()?.server).toBe('https://b:6443');
  });

  it('says what it looked for', async () => {
    process.env['KUBECONFIG'] = join(dir, 'missing');
    await expect(loadKubeConfig()).rejects.toThrow(`KUBECONFIG names no file that exists: ${join(dir, 'missing')}`);
    delete process.env['KUBECONFIG'];
    process.env['HOME'] = dir;
    await expect(loadKubeConfig()).rejects.toThrow('no cluster to talk to: give a kubeconfig');
    await expect(loadKubeConfig({ path: join(dir, 'missing') })).rejects.toThrow('cannot be read');
  });

  it('never quotes a broken file', async () => {
    const path = await write('broken', 'users:\n- name: a\n  user: {token: "very-secret\n');
    const error = await loadKubeConfig({ path }).catch((e: Error) => e);
    expect((error as Error).message).toContain('is not a valid kubeconfig (line');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('very-secret');
  });
});
