// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fakeBinary } from '../testing/fakeBinary.ts';
import { TemporaryFolder } from '../testing/temporaryFolder.ts';
import { versions } from '../versions.ts';
import { locate } from './locate.ts';

const good = `Kubernetes v${versions.kubernetes}`;

describe('locate', () => {
  it('prefers explicit folders to PATH to the cache, and takes what lies in explicit ones as it is', async () => {
    await using folder = await TemporaryFolder.create();
    const [explicit, onPath, cache] = ['explicit', 'path', 'cache'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ];
    const places = { explicit: [explicit], path: [onPath], cache };
    const inCache = await fakeBinary(cache, 'kube-apiserver', good);
    expect((await locate('kube-apiserver', places)).path).toBe(inCache);
    const inPath = await fakeBinary(onPath, 'kube-apiserver', good);
    expect((await locate('kube-apiserver', places)).path).toBe(inPath);
    const inExplicit = await fakeBinary(explicit, 'kube-apiserver', 'Kubernetes v1.2.3');
    expect((await locate('kube-apiserver', places)).path).toBe(inExplicit);
  });

  it('passes over a wrong version on PATH, says so, and goes on along PATH', async () => {
    await using folder = await TemporaryFolder.create();
    const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')];
    const old = await fakeBinary(first, 'kube-apiserver', 'Kubernetes v1.2.3');
    const places = { explicit: [], path: [first, second], cache: join(folder.path, 'cache') };
    const { path, tried } = await locate('kube-apiserver', places);
    expect(path).toBeUndefined();
    expect(tried[0]).toMatch(`${old}: is version 1.2.3`);
    const right = await fakeBinary(second, 'kube-apiserver', good);
    expect((await locate('kube-apiserver', places)).path).toBe(right);
  });

  it('takes only executables', async () => {
    await using folder = await TemporaryFolder.create();
    const path = await fakeBinary(folder.path, 'helm', 'v3.20.0');
    await chmod(path, 0o644);
    const located = await locate('helm', { explicit: [folder.path], path: [], cache: join(folder.path, 'cache') });
    expect(located.path).toBeUndefined();
    expect(located.tried.join()).toContain('no executable helm');
  });
});
