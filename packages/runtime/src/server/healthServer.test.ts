// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type KubeClient } from '@clusternet/client';
import { silentLogger } from '../logging/logger.ts';
import { Metrics } from '../metrics/metrics.ts';
import { RecordingLogger } from '../testing/recordingLogger.ts';
import { Health } from './health.ts';
import { HealthServer, type HealthServerOptions } from './healthServer.ts';
import { selfSigned } from './selfSigned.ts';
import { ServingCertificate } from './servingCertificate.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const client = {
  resource: ({ kind }: { kind: string }) => ({
    create: async ({ spec }: { spec: { token?: string } }) => {
      if (spec.token === 'broken') throw new Error('connection refused');
      return kind === 'TokenReview'
        ? { status: { authenticated: spec.token !== 'bad', user: { username: spec.token } } }
        : { status: { allowed: (spec as { user?: string }).user === 'good' } };
    },
  }),
} as unknown as KubeClient;

async function start(options: Partial<HealthServerOptions> = {}) {
  const health = new Health();
  const server = await HealthServer.start({
    health,
    metrics: new Metrics(),
    client,
    logger: silentLogger,
    port: 0,
    address: '127.0.0.1',
    ...options,
  });
  closers.push(() => server.close());
  const get = (path: string, token?: string, method = 'GET') =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const call = request(
        { host: '127.0.0.1', port: server.port, path, method, headers, rejectUnauthorized: false },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode, body }));
        },
      );
      call.on('error', reject);
      call.end();
    });
  return { health, server, get };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'serving-'));
  closers.push(() => rm(path, { recursive: true }));
  return path;
}

describe('HealthServer', () => {
  it('answers probes from its checks, by name when asked or when one fails', async () => {
    const { health, get } = await start();
    expect(await get('/readyz')).toEqual({ status: 200, body: 'ok' });
    let problem: string | undefined = 'not in sync yet';
    health.addCheck('informers', () => problem);
    expect(await get('/readyz')).toEqual({
      status: 503,
      body: '[+]ping ok\n[-]informers failed: not in sync yet\n[+]shutdown ok\ncheck failed\n',
    });
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/healthz')).status).toBe(200);
    problem = undefined;
    expect((await get('/readyz?verbose')).body).toBe('[+]ping ok\n[+]informers ok\n[+]shutdown ok\ncheck passed\n');
    const remove = health.addLivenessCheck('loop', () => {
      throw new Error('oops');
    });
    expect((await get('/livez')).body).toContain('[-]loop failed: the check itself failed');
    remove();
    expect((await get('/livez')).status).toBe(200);
  });

  it('is not ready while the service stops, and still alive', async () => {
    const { health, get } = await start();
    health.stop();
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/livez')).status).toBe(200);
  });

  it('shows metrics only to those the API server lets read them', async () => {
    const { get } = await start();
    expect((await get('/metrics')).status).toBe(401);
    expect((await get('/metrics', 'bad')).status).toBe(401);
    expect((await get('/metrics', 'other')).status).toBe(403);
    expect((await get('/metrics', 'broken')).status).toBe(503);
    expect((await get('/metrics', 'good')).status).toBe(200);
  });

  it.each(['/', '/debug/pprof', '/configz', '/metrics/', '/healthz/x', '/%', '//metrics'])('has nothing at %s', async (path) => {
    const { get } = await start();
    expect([400, 401, 404]).toContain((await get(path)).status);
  });

  it('takes no writes', async () => {
    const { get } = await start();
    expect((await get('/readyz', undefined, 'POST')).status).toBe(404);
    expect((await get('/metrics', 'good', 'PUT')).status).toBe(404);
  });

  it('says which port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    closers.push(() => new Promise((resolve) => taken.close(resolve)));
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(start({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
  });

  it('serves the certificate it is given, and the new one after a rotation', async () => {
    const path = await folder();
    const certFile = join(path, 'tls.crt');
    const keyFile = join(path, 'tls.key');
    const first = await selfSigned(new Date());
    await writeFile(certFile, first.cert);
    await writeFile(keyFile, first.key);
    const { server } = await start({ certFile, keyFile });
    expect(await servedBy(server.port)).toBe(fingerprint(first.cert));
  });
});

describe('ServingCertificate', () => {
  it('takes a rotated pair up, and keeps the old one while the two files do not fit', async () => {
    const path = await folder();
    const certFile = join(path, 'tls.crt');
    const keyFile = join(path, 'tls.key');
    const [first, second] = [await selfSigned(new Date()), await selfSigned(new Date())];
    await writeFile(certFile, first.cert);
    await writeFile(keyFile, first.key);
    const logger = new RecordingLogger();
    const certificate = await ServingCertificate.load({ certFile, keyFile, logger });
    closers.push(async () => certificate.close());
    const seen: string[] = [];
    await writeFile(certFile, second.cert);
    await certificate.refresh((pair) => seen.push(pair.cert));
    expect(seen).toEqual([]);
    expect(logger.messages('warn')).toHaveLength(1);
    await writeFile(keyFile, second.key);
    await certificate.refresh((pair) => seen.push(pair.cert));
    await certificate.refresh((pair) => seen.push(pair.cert));
    expect(seen).toEqual([second.cert]);
    expect(certificate.current).toEqual(second);
  });

  it('says what is wrong with the files', async () => {
    const logger = silentLogger;
    await expect(ServingCertificate.load({ certFile: 'a', keyFile: undefined, logger })).rejects.toThrow(
      'must be given together',
    );
    await expect(ServingCertificate.load({ certFile: '/no/a', keyFile: '/no/b', logger })).rejects.toThrow('cannot read /no/');
    const path = await folder();
    await writeFile(join(path, 'x'), 'x');
    const file = join(path, 'x');
    await expect(ServingCertificate.load({ certFile: file, keyFile: file, logger })).rejects.toThrow(
      'are not a certificate and its key',
    );
  });
});

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

function servedBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
