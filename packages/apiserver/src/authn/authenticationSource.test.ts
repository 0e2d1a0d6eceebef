// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@clusternet/runtime';
import { CertificateAuthority } from '@clusternet/pki';
import { FakeCluster } from '../testing/fakeCluster.ts';
import { AuthenticationSource, type AuthenticationSourceOptions } from './authenticationSource.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const requestHeaderNames = {
  allowedNames: ['aggregator'],
  usernameHeaders: ['X-Flag-User'],
  uidHeaders: [],
  groupHeaders: ['X-Flag-Group'],
  extraPrefixes: ['X-Flag-Extra-'],
};

async function setUp(options: Partial<AuthenticationSourceOptions> = {}) {
  const cluster = new FakeCluster();
  const timers: (() => void)[] = [];
  const clock = {
    monotonic: () => 0,
    now: () => new Date(),
    setTimer: (fn: () => void) => {
      timers.push(fn);
      return () => undefined;
    },
  };
  const source = new AuthenticationSource({
    client: cluster.client,
    logger: silentLogger,
    skipLookup: false,
    tolerateLookupFailure: false,
    requestHeaderNames,
    ...options,
    ...(options.requestHeaderCaFile !== undefined && { clock }),
  });
  closers.push(() => source.close());
  const changes: number[] = [];
  const start = () => source.start(() => changes.push(1));
  // Looks again, and waits until that is done and the next look is planned.
  const tick = async (): Promise<void> => {
    for (const fn of timers.splice(0)) fn();
    while (timers.length === 0) await delay(1);
  };
  return { cluster, source, start, changes, tick };
}

async function caFile(authority: CertificateAuthority): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'authentication-'));
  closers.push(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ca.crt');
  await writeFile(file, authority.cert);
  return file;
}

describe('AuthenticationSource', () => {
  it('believes nobody, and is not ready, until the ConfigMap is known', async () => {
    const { cluster, source, start } = await setUp();
    expect(source.current.requestHeader).toBeUndefined();
    expect(source.problem()).toContain('could not be read');
    await start();
    while (source.problem()?.includes('could not be read')) await delay(5);
    expect(source.problem()).toContain('names no front proxy');
    cluster.setAuthentication({ 'requestheader-client-ca-file': (await CertificateAuthority.create('a')).cert });
    while (source.problem() !== undefined) await delay(5);
    expect(source.current.requestHeader).toMatchObject({ usernameHeaders: ['x-remote-user'], allowedNames: [] });
  });

  it('lets flags win over the ConfigMap, names and authority together', async () => {
    const authority = await CertificateAuthority.create('flags');
    const { cluster, source, start } = await setUp({ requestHeaderCaFile: await caFile(authority) });
    const other = await CertificateAuthority.create('other');
    cluster.setAuthentication({
      'requestheader-client-ca-file': other.cert,
      'requestheader-username-headers': '["X-Remote-User"]',
      'client-ca-file': other.cert,
    });
    await start();
    while (source.problem() !== undefined) await delay(5);
    expect(source.current.requestHeader).toMatchObject({ usernameHeaders: ['x-flag-user'], allowedNames: ['aggregator'] });
    expect(source.current.requestHeader?.roots.map(({ subject }) => subject)).toEqual(['CN=flags']);
    expect(source.current.clientRoots.map(({ subject }) => subject)).toEqual(['CN=other']);
  });

  it('takes up a file that is rotated, and keeps the old one while it is broken', async () => {
    const file = await caFile(await CertificateAuthority.create('first'));
    const { source, start, tick, changes } = await setUp({ requestHeaderCaFile: file, skipLookup: true });
    await start();
    const subject = (): string | undefined => source.current.requestHeader?.roots[0]?.subject;
    expect(subject()).toBe('CN=first');
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n');
    await tick();
    expect(subject()).toBe('CN=first');
    await writeFile(file, (await CertificateAuthority.create('second')).cert);
    await tick();
    expect(subject()).toBe('CN=second');
    expect(changes).toEqual([1]);
    expect(source.problem()).toBeUndefined();
  });

  it('says which file is missing', async () => {
    const { start } = await setUp({ clientCaFile: '/no/such/ca.crt', skipLookup: true });
    await expect(start()).rejects.toThrow('cannot read /no/such/ca.crt');
  });
});
