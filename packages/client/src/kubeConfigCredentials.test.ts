// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, readFile, rm, symlink, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '@clusternet/pki';
import { KubeConfigCredentials } from './kubeConfigCredentials.ts';
import { loadKubeConfig } from './loadKubeConfig.ts';
import { KubeClient } from './kubeClient.ts';
import { json, refuse, TestServer } from './testing/testServer.ts';

const get = { method: 'GET', path: '/version' };
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'client-'));
});

afterEach(() => rm(dir, { recursive: true }));

const file = (name: string): string => join(dir, name);

/** Writes a kubeconfig; JSON is YAML. */
async function kubeconfig(user: object, cluster: object = { server: 'http://127.0.0.1:1' }): Promise<string> {
  const config = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(file('config'), JSON.stringify(config));
  return file('config');
}

function credentialsAt(clock: { now: number }): { source: KubeConfigCredentials; loads: () => number } {
  let loads = 0;
  const load = (): ReturnType<typeof loadKubeConfig> => {
    loads += 1;
    return loadKubeConfig({ path: file('config') });
  };
  return { source: new KubeConfigCredentials({ load, now: () => clock.now }), loads: () => loads };
}

/** A program that prints an ExecCredential and counts its runs in a file. */
async function execPlugin(): Promise<object> {
  const script = `
    const fs = require('node:fs');
    const runs = Number(fs.existsSync(process.argv[2]) ? fs.readFileSync(process.argv[2], 'utf8') : 0) + 1;
    fs.writeFileSync(process.argv[2], String(runs));
    console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'exec-' + runs } }));`;
  await writeFile(file('plugin.cjs'), script);
  return {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [file('plugin.cjs'), file('runs')] },
  };
}

describe('KubeConfigCredentials', () => {
  it('reads a token file again once a minute', async () => {
    await kubeconfig({ tokenFile: 'token', token: 'not this one' });
    await writeFile(file('token'), 'one\n');
    const clock = { now: 0 };
    const { source } = credentialsAt(clock);
    const first = await source.current();
    expect(first.headers['authorization']).toBe('Bearer one');
    await writeFile(file('token'), 'two\n');
    clock.now = 59_000;
    expect(await source.current()).toBe(first);
    clock.now = 61_000;
    expect((await source.current()).headers['authorization']).toBe('Bearer two');
  });

  it('reads everything again when the server refuses, but not for every refusal', async () => {
    await kubeconfig({ 'auth-provider': { name: 'tokenFile', config: { tokenFile: 'token' } } });
    await writeFile(file('token'), 'one');
    const clock = { now: 10_000 };
    const { source, loads } = credentialsAt(clock);
    const first = await source.current();
    await writeFile(file('token'), 'two');
    expect(await Promise.all([source.refresh(first), source.refresh(first)])).toEqual([true, true]);
    const second = await source.current();
    expect(second.headers['authorization']).toBe('Bearer two');
    expect(await source.refresh(second)).toBe(false);
    expect(loads()).toBe(2);
    clock.now += 1_000;
    expect(await source.refresh(second)).toBe(false);
    expect(loads()).toBe(3);
  });

  it('notices a kubeconfig that was replaced, and keeps what did not change', async () => {
    await kubeconfig({ token: 'one' });
    const clock = { now: 0 };
    const { source } = credentialsAt(clock);
    const first = await source.current();
    await kubeconfig({ token: 'second' });
    clock.now = 10_000;
    const second = await source.current();
    expect(second.headers['authorization']).toBe('Bearer second');
    expect(second.tls).toBe(first.tls);
  });

  it('goes on with what it knows while files are missing', async () => {
    await kubeconfig({ token: 'one' });
    const clock = { now: 0 };
    const { source } = credentialsAt(clock);
    const first = await source.current();
    await rm(file('config'));
    clock.now = 10_000;
    expect(await source.current()).toBe(first);
    await kubeconfig({ token: 'second' });
    clock.now = 20_000;
    expect((await source.current()).headers['authorization']).toBe('Bearer second');
  });

  it('goes on with the CA it knows while the file of it holds none', async () => {
    const authority = await CertificateAuthority.create();
    await writeFile(file('ca.pem'), '');
    await kubeconfig({ token: 'one' }, { server: 'https://127.0.0.1:1', 'certificate-authority': 'ca.pem' });
    await expect(credentialsAt({ now: 0 }).source.current()).rejects.toThrow(/ca\.pem holds no certificate/);
    await writeFile(file('ca.pem'), authority.cert);
    const clock = { now: 0 };
    const { source } = credentialsAt(clock);
    const first = await source.current();
    expect(first.tls.caPem).toBe(authority.cert);
    await writeFile(file('ca.pem'), '');
    clock.now = 10_000;
    expect(await source.current()).toBe(first);
    const bundle = `${authority.cert}\n${(await CertificateAuthority.create('next')).cert}`;
    await writeFile(file('ca.pem'), bundle);
    clock.now = 11_000;
    expect((await source.current()).tls.caPem).toBe(bundle);
  });

  it('runs an exec plugin once for many requests, and again after a refusal', async () => {
    await kubeconfig(await execPlugin());
    const clock = { now: 0 };
    const { source } = credentialsAt(clock);
    const [first] = await Promise.all([source.current(), source.current(), source.current()]);
    expect(first?.headers['authorization']).toBe('Bearer exec-1');
    clock.now = 30_000;
    expect((await source.current()).headers['authorization']).toBe('Bearer exec-1');
    expect(first && (await source.refresh(first))).toBe(true);
    expect((await source.current()).headers['authorization']).toBe('Bearer exec-2');
    expect(await readFile(file('runs'), 'utf8')).toBe('2');
  });

  it('knows basic auth', async () => {
    await kubeconfig({ username: 'u', password: 'p' });
    const { source } = credentialsAt({ now: 0 });
    expect((await source.current()).headers['authorization']).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
  });
});

describe('KubeClient.fromKubeConfig', () => {
  it('sends the rotated token after a 401', async () => {
    await using server = await TestServer.start((q, s) =>
      q.headers.authorization === 'Bearer two' ? json(s, { ok: true }) : refuse(s, 401, 'Unauthorized'),
    );
    await kubeconfig({ 'auth-provider': { name: 'tokenFile', config: { tokenFile: 'token' } } }, { server: server.url });
    await writeFile(file('token'), 'one');
    await using client = await KubeClient.fromKubeConfig({ path: file('config') });
    await writeFile(file('token'), 'two');
    const answers = await Promise.all([1, 2, 3].map(() => client.request(get)));
    expect(answers).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
  });

  it('reports the 401 when there is no other credential', async () => {
    await using server = await TestServer.start((_, s) => refuse(s, 401, 'Unauthorized'));
    await kubeconfig({ token: 'one' }, { server: server.url });
    await using client = await KubeClient.fromKubeConfig({ path: file('config') });
    await expect(client.request(get)).rejects.toMatchObject({ status: 401 });
    expect(server.requests).toHaveLength(1);
  });

  it('follows a rotated CA, as soon as the old one fails, and tells those who depend on it', async () => {
    const [before, after] = await Promise.all([CertificateAuthority.create('before'), CertificateAuthority.create('after')]);
    const [one, two] = await Promise.all([before.issue('server'), after.issue('server')]);
    await using server = await TestServer.start((_, s) => json(s, { ok: true }), { tls: one });
    await writeFile(file('ca.pem'), before.cert);
    await kubeconfig({ token: 'a' }, { server: server.url, 'certificate-authority': 'ca.pem' });
    await using client = await KubeClient.fromKubeConfig({ path: file('config') });
    await using deployer = KubeClient.fromOptions({ server: server.url, caPem: () => client.caPem, token: 'b' });
    const told: (string | undefined)[] = [];
    const forget = client.onCaChange(() => told.push(client.caPem));
    for (const one of [client, deployer]) expect(await one.request(get)).toEqual({ ok: true });

    const bundle = `${before.cert}\n${after.cert}`;
    await writeFile(file('ca.pem'), bundle);
    server.replaceCertificate(two);
    await expect(deployer.request(get)).rejects.toThrow(/TLS failed/);
    expect(await client.request(get)).toEqual({ ok: true });
    expect(await deployer.request(get)).toEqual({ ok: true });
    expect(told).toEqual([bundle]);
    forget();
  });

  it('uses a rotated client certificate, half-written rotations survived', async () => {
    const [authority, other] = await Promise.all([CertificateAuthority.create(), CertificateAuthority.create('other')]);
    const [serverPair, one, two] = await Promise.all([
      authority.issue('server'),
      authority.issue('client-one'),
      authority.issue('client-two'),
    ]);
    const tls = { cert: serverPair.cert, key: serverPair.key, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    let accepted = 'client-one';
    await using server = await TestServer.start(
      (q, s) => {
        const user = (q.socket as TLSSocket).getPeerCertificate().subject.CN;
        if (user === accepted) json(s, { user });
        else refuse(s, 401, 'Unauthorized');
      },
      { tls },
    );
    await writeFile(file('ca.pem'), authority.cert);
    await writeFile(file('key-one.pem'), one.key);
    await writeFile(file('cert-one.pem'), one.cert);
    await symlink('key-one.pem', file('key.pem'));
    await symlink('cert-one.pem', file('cert.pem'));
    const user = { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' };
    await kubeconfig(user, { server: server.url, 'certificate-authority': 'ca.pem' });
    await using client = await KubeClient.fromKubeConfig({ path: file('config') });
    expect(client.caPem).toBe(authority.cert);
    expect(await client.request(get)).toEqual({ user: 'client-one' });

    await writeFile(file('key-two.pem'), two.key);
    await writeFile(file('cert-two.pem'), two.cert);
    await symlink('key-two.pem', file('key.new'));
    await rename(file('key.new'), file('key.pem'));
    accepted = 'client-two';
    await expect(client.request(get)).rejects.toMatchObject({ status: 401 });

    await symlink('cert-two.pem', file('cert.new'));
    await rename(file('cert.new'), file('cert.pem'));
    // Within a second of the last try the files are not read again.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await client.request(get)).toEqual({ user: 'client-two' });
    expect(server.connections).toBeLessThanOrEqual(4);

    await using stranger = KubeClient.fromOptions({ server: server.url, caPem: other.cert, certPem: two.cert, keyPem: two.key });
    await expect(stranger.request(get)).rejects.toThrow(
      'check that the CA bundle and the client certificate belong to this server',
    );
    await using named = KubeClient.fromOptions({
      server: server.url,
      caPem: authority.cert,
      certPem: two.cert,
      keyPem: two.key,
      tlsServerName: 'elsewhere',
    });
    await expect(named.request(get)).rejects.toThrow('another host name');
    await using careless = KubeClient.fromOptions({
      server: server.url,
      certPem: two.cert,
      keyPem: two.key,
      insecureSkipTlsVerify: true,
    });
    expect(await careless.request(get)).toEqual({ user: 'client-two' });
  });

  it('goes through the proxy of the kubeconfig', async () => {
    await using server = await TestServer.start((_, s) => json(s, { straight: true }));
    await using proxy = await TestServer.start((_, s) => json(s, {}));
    await kubeconfig({ token: 'one' }, { server: server.url, 'proxy-url': proxy.url });
    await using client = await KubeClient.fromKubeConfig({ path: file('config') });
    // This proxy refuses tunnels by hanging up; what matters is who was asked.
    await client.request({ ...get, timeoutMs: 2_000 }).catch(() => undefined);
    expect(proxy.connections).toBeGreaterThan(0);
    expect(server.connections).toBe(0);
  });
});
