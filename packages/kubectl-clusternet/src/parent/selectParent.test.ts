// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { splitArguments } from '../arguments.ts';
import { childLogin } from './childLogin.ts';
import { loginOf } from './loginOf.ts';
import { type Parent, selectParent } from './selectParent.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'select-parent-'));
  file = join(folder, 'config');
  await writeFile(join(folder, 'token'), 'token-of-file\n');
  await writeFile(
    join(folder, 'plugin'),
    '#!/bin/sh\nprintf \'{"status":{"token":"%s"}}\' "$(echo "$KUBERNETES_EXEC_INFO" | cut -c3-12)"\n',
  );
  await chmod(join(folder, 'plugin'), 0o755);
  await writeFile(
    file,
    `
clusters:
- {name: a, cluster: {server: "https://a:6443", certificate-authority-data: Q0E=}}
- {name: b, cluster: {server: "https://b:6443/path", tls-server-name: real.b}}
users:
- {name: jane, user: {token: janes}}
- {name: boss, user: {token: bosses, as: jane, as-groups: [dev, ops], as-uid: "7", as-user-extra: {Team: [x]}}}
- {name: filed, user: {tokenFile: token}}
- {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ${join(folder, 'plugin')}}}}
- {name: basic, user: {username: u, password: p}}
contexts:
- {name: one, context: {cluster: a, user: jane, namespace: shop}}
- {name: two, context: {cluster: b, user: boss}}
current-context: one
`,
  );
});

afterEach(() => rm(folder, { recursive: true }));

const select = (flags: string): Promise<Parent> =>
  selectParent(splitArguments(`--kubeconfig ${file} ${flags}`.trim().split(' ')).parent);

async function headersOf(parent: Parent): Promise<Record<string, unknown>> {
  const options: RequestOptions = {};
  await parent.config.applyToHTTPSOptions(options);
  return Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}

describe('selectParent', () => {
  it('takes the current context, or the one asked for', async () => {
    const parent = await select('');
    expect(parent.namespace).toBe('shop');
    expect(parent.config.getCurrentCluster()?.server).toBe('https://a:6443');
    expect(await headersOf(parent)).toEqual({ authorization: 'Bearer janes' });
    expect((await select('--context two')).config.getCurrentCluster()?.server).toBe('https://b:6443/path');
  });

  it('impersonates groups, uid and extras of the kubeconfig, and of flags before it', async () => {
    expect(await headersOf(await select('--context two'))).toEqual({
      authorization: 'Bearer bosses',
      'impersonate-user': 'jane',
      'impersonate-group': ['dev', 'ops'],
      'impersonate-uid': '7',
      'impersonate-extra-team': ['x'],
    });
    expect(await headersOf(await select('--as joe --as-group a --as-group b'))).toMatchObject({
      'impersonate-user': 'joe',
      'impersonate-group': ['a', 'b'],
    });
    await expect(select('--as-group a')).rejects.toThrow('needs a user');
  });

  it('combines cluster, user, server and token as kubectl does', async () => {
    const mixed = await select('--cluster b --user jane');
    expect(mixed.config.getCurrentCluster()).toMatchObject({ server: 'https://b:6443/path', tlsServerName: 'real.b' });
    expect(await headersOf(mixed)).toEqual({ authorization: 'Bearer janes' });
    expect(await headersOf(await select('--user filed'))).toEqual({ authorization: 'Bearer token-of-file\n' });
    const other = await select('-s https://c:1 --token t --insecure-skip-tls-verify');
    expect(other.config.getCurrentCluster()).toMatchObject({ server: 'https://c:1', skipTLSVerify: true });
    expect(other.config.getCurrentCluster()?.caData).toBeUndefined();
    expect(await headersOf(other)).toEqual({ authorization: 'Bearer t' });
  });

  it('says what does not exist', async () => {
    await expect(select('--context three')).rejects.toThrow('context "three" does not exist');
    await expect(select('--cluster c')).rejects.toThrow('cluster "c" does not exist');
    await expect(select('--user nobody')).rejects.toThrow('user "nobody" does not exist');
  });

  it('tells plugins what kubectl tells them', async () => {
    expect(await headersOf(await select('--user plugin'))).toEqual({ authorization: 'Bearer apiVersion' });
  });

  it('gives the login back for another kubeconfig', async () => {
    expect(loginOf(await select('--context two'))).toEqual({
      user: { token: 'bosses', as: 'jane', 'as-uid': '7', 'as-groups': ['dev', 'ops'], 'as-user-extra': { Team: ['x'] } },
      cluster: { 'tls-server-name': 'real.b' },
    });
    expect(loginOf(await select('--user filed')).user).toEqual({ tokenFile: join(folder, 'token') });
    expect(loginOf(await select('--user plugin')).user).toMatchObject({ exec: { command: join(folder, 'plugin'), env: [] } });
  });
});

describe('childLogin', () => {
  const login = (flags: string): ReturnType<typeof childLogin> => {
    const { child, parent } = splitArguments(`--cluster-id x ${flags}`.trim().split(' '));
    return childLogin(child, parent);
  };

  it('is oneself without a kubeconfig of the child', async () => {
    expect((await login('')).credentials).toEqual({});
    await expect(login('--clusternet-as joe')).rejects.toThrow('give --child-kubeconfig too');
  });

  it('takes tokens, whether written down, in a file or from a plugin', async () => {
    expect((await login(`--child-kubeconfig ${file}`)).credentials).toEqual({ token: 'janes' });
    await writeFile(file, (await readFile(file, 'utf8')).replace('user: jane,', 'user: filed,'));
    expect((await login(`--child-kubeconfig ${file}`)).credentials).toEqual({ token: 'token-of-file' });
    await writeFile(file, (await readFile(file, 'utf8')).replace('user: filed,', 'user: plugin,'));
    expect((await login(`--child-kubeconfig ${file}`)).credentials).toEqual({ token: 'apiVersion' });
  });

  it('refuses a login that cannot be passed on', async () => {
    await expect(login(`--child-kubeconfig ${file} --child-context two`)).rejects.toThrow('impersonates a user');
    await writeFile(file, (await readFile(file, 'utf8')).replace('user: jane,', 'user: basic,'));
    await expect(login(`--child-kubeconfig ${file}`)).rejects.toThrow('name and password');
    await expect(login(`--child-kubeconfig ${folder}/none`)).rejects.toThrow('cannot be read');
  });

  it('impersonates in the child by extras beside the credential', async () => {
    const visitor = await login(`--child-kubeconfig ${file} --clusternet-as joe --clusternet-as-group dev`);
    expect(visitor.credentials).toEqual({});
    const parent = await select('');
    expect(await headersOf({ ...parent, config: visitor.wrap(parent.config) })).toEqual({
      authorization: 'Bearer janes',
      'impersonate-user': 'clusternet',
      'impersonate-extra-clusternet-token': 'janes',
      'impersonate-extra-clusternet-impersonate-user': 'joe',
      'impersonate-extra-clusternet-impersonate-group': ['dev'],
    });
    await expect(login(`--child-kubeconfig ${file} --clusternet-as joe --as jane`)).rejects.toThrow('cannot be combined');
  });
});
