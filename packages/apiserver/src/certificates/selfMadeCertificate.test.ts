// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { type Clock, silentLogger } from '@clusternet/runtime';
import { FakeCluster } from '../testing/fakeCluster.ts';
import { closeServers, startServer } from '../testing/startServer.ts';
import { parseBundle } from '../authn/clientCertificate.ts';
import { createAuthority } from './pki.ts';
import { SelfMadeCertificate, type SelfMadeCertificateOptions } from './selfMadeCertificate.ts';

afterEach(closeServers);

interface ApiService extends KubeObject {
  spec: { caBundle?: string; insecureSkipTLSVerify?: boolean };
}

const day = 24 * 3_600_000;

/** A clock that is set by hand; nothing fires by itself. */
function handClock(): Clock & { pass: (ms: number) => void } {
  let ms = Date.UTC(2026, 0, 1);
  return {
    monotonic: () => ms,
    now: () => new Date(ms),
    setTimer: () => () => undefined,
    pass: (by) => {
      ms += by;
    },
  };
}

function setUp() {
  const cluster = new FakeCluster();
  cluster.set({ apiVersion: 'v1', kind: 'APIService', metadata: { name: 'v1.a' }, spec: { insecureSkipTLSVerify: true } });
  const clock = handClock();
  const options: SelfMadeCertificateOptions = {
    client: cluster.client,
    logger: silentLogger,
    namespace: 'clusternet-system',
    authoritySecret: 'hub-ca',
    service: 'hub',
    apiServices: ['v1.a'],
    clock,
  };
  const bundleOf = (): string => {
    const { caBundle = '' } = cluster.find<ApiService>('APIService', 'v1.a')?.spec ?? {};
    return Buffer.from(caBundle, 'base64').toString('utf8');
  };
  return { cluster, clock, options, bundleOf };
}

const signer = (cert: string, bundle: string): number => {
  const leaf = new X509Certificate(cert);
  return parseBundle(bundle).findIndex((authority) => leaf.verify(authority.publicKey) && leaf.checkIssued(authority));
};

describe('SelfMadeCertificate', () => {
  it('is for the Service and loopback, signed by an authority that kube-apiserver is made to trust', async () => {
    const { cluster, options, bundleOf } = setUp();
    const { current, bundle } = await SelfMadeCertificate.create(options);
    const certificate = new X509Certificate(current.cert);
    for (const host of ['hub.clusternet-system.svc', 'hub', 'localhost']) expect(certificate.checkHost(host)).toBe(host);
    for (const ip of ['127.0.0.1', '::1']) expect(certificate.checkIP(ip)).toBe(ip);
    expect(certificate.ca).toBe(false);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(signer(current.cert, bundle)).toBe(0);
    expect(bundleOf()).toBe(bundle);
    expect(cluster.find<ApiService>('APIService', 'v1.a')?.spec.insecureSkipTLSVerify).toBe(false);
  });

  it('shares one authority among replicas that start at once, and writes nothing when all is well', async () => {
    const { cluster, options } = setUp();
    const replicas = await Promise.all([1, 2, 3].map(() => SelfMadeCertificate.create(options)));
    expect(new Set(replicas.map(({ bundle }) => bundle)).size).toBe(1);
    expect(new Set(replicas.map(({ current }) => current.cert)).size).toBe(3);
    const before = cluster.writes.length;
    for (const replica of replicas) await replica.look();
    expect(cluster.writes).toHaveLength(before);
  });

  it('is renewed before it expires', async () => {
    const { clock, options } = setUp();
    const made = await SelfMadeCertificate.create(options);
    const seen: string[] = [];
    made.follow(({ cert }) => seen.push(cert));
    clock.pass(19 * day);
    await made.look();
    expect(seen).toEqual([]);
    clock.pass(2 * day);
    await made.look();
    expect(seen).toEqual([made.current.cert]);
  });

  it('changes to a new authority only when that is trusted, and the old stays trusted', async () => {
    const { clock, options, bundleOf } = setUp();
    const first = await SelfMadeCertificate.create(options);
    const second = await SelfMadeCertificate.create(options);
    const [old] = parseBundle(first.bundle);
    clock.pass(8.1 * 365 * day);
    const [before] = [first.current.cert];
    await first.look();
    // The first look has renewed the authority and published it; what is shown is still trusted and still the same.
    expect(parseBundle(bundleOf())).toHaveLength(2);
    expect(first.current.cert).toBe(before);
    await first.look();
    expect(signer(first.current.cert, bundleOf())).toBe(0);
    expect(parseBundle(bundleOf())[1]?.fingerprint256).toBe(old?.fingerprint256);
    await second.look();
    expect(signer(second.current.cert, bundleOf())).toBe(0);
    clock.pass(2 * 365 * day);
    await first.look();
    expect(parseBundle(first.bundle)).toHaveLength(2);
  });

  it('keeps an old certificate while the trust in a new authority cannot be written', async () => {
    const { cluster, clock, options } = setUp();
    const made = await SelfMadeCertificate.create({ ...options, apiServices: ['v1.a', 'v1.missing'] });
    const { cert } = made.current;
    clock.pass(8.1 * 365 * day);
    for (let look = 0; look < 3; look++) await made.look();
    expect(made.current.cert).toBe(cert);
    cluster.set({ apiVersion: 'v1', kind: 'APIService', metadata: { name: 'v1.missing' }, spec: {} });
    await made.look();
    await made.look();
    expect(made.current.cert).not.toBe(cert);
  });

  it('puts the bundle back when something removed it, and survives an API server that is away', async () => {
    const { cluster, options, bundleOf } = setUp();
    const made = await SelfMadeCertificate.create(options);
    cluster.set({ apiVersion: 'v1', kind: 'APIService', metadata: { name: 'v1.a' }, spec: {} });
    cluster.failure = new Error('connection refused');
    await made.look();
    cluster.failure = undefined;
    await made.look();
    expect(bundleOf()).toBe(made.bundle);
  });

  it('fills a Secret that is empty, and says what to do about one that holds something else', async () => {
    const { cluster, options } = setUp();
    const metadata = { namespace: 'clusternet-system', name: 'hub-ca', labels: { app: 'hub' } };
    cluster.set({ apiVersion: 'v1', kind: 'Secret', metadata });
    await SelfMadeCertificate.create(options);
    expect(cluster.find('Secret', 'hub-ca')?.metadata.labels).toEqual({ app: 'hub' });
    const data = { 'tls.crt': Buffer.from('x').toString('base64'), 'tls.key': Buffer.from('y').toString('base64') };
    cluster.set({ apiVersion: 'v1', kind: 'Secret', metadata, data });
    const signal = AbortSignal.timeout(20);
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (_message: string, fields?: object) => warnings.push(fields) };
    const waiting = SelfMadeCertificate.create({ ...options, logger, signal, clock: undefined });
    await expect(waiting).rejects.toThrow();
    expect(String((warnings[0] as { error: Error }).error)).toContain('delete it, and a new one will be made');
  });
});

describe('a server with a self-made certificate', () => {
  it('is verified by the bundle in its Secret', async () => {
    const { cluster, call } = await startServer();
    const secret = cluster.find<KubeObject & { data: Record<string, string> }>('Secret', 'hub-ca');
    const ca = Buffer.from(secret?.data['ca.crt'] ?? '', 'base64').toString('utf8');
    const strict = { ca, rejectUnauthorized: true, servername: 'hub.clusternet-system.svc' };
    expect((await call('/healthz', strict)).body).toBe('ok');
    const other = await createAuthority('other', { now: new Date(), lifetimeMs: day });
    await expect(call('/healthz', { ...strict, ca: other.cert })).rejects.toThrow();
  });
});
