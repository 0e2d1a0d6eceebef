// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { expiredCertificate, validCertificate, type TestCertificate } from '../testing/certificates.ts';
import { classifyFailure } from './classify.ts';
import { type RegistrationFault } from './fault.ts';
import { connectParent, readParentClock, type ParentConnection } from './parentApi.ts';

const token = '07401b.f395accd246ae52d';
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A parent that answers 401 and keeps the authorization headers it sees. */
async function serve(certificate: TestCertificate, date?: Date): Promise<{ url: string; seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = [];
  const server = createServer(certificate, (request, response) => {
    seen.push(request.headers.authorization);
    if (date) response.setHeader('date', date.toUTCString());
    response.writeHead(401).end();
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function faultOf(connection: Omit<ParentConnection, 'token'>, parentNow?: Date): Promise<RegistrationFault> {
  const parent = connectParent({ ...connection, token });
  try {
    await parent.get('clusternet-id');
  } catch (error) {
    return classifyFailure(error, {
      url: connection.url,
      token,
      credential: 'registration',
      acceptedBefore: false,
      now: new Date(),
      parentNow,
    });
  } finally {
    await parent.close();
  }
  throw new Error('the parent was accepted');
}

describe('connectParent', () => {
  it('verifies the parent by the given CA', async () => {
    const { url, seen } = await serve(validCertificate);
    expect((await faultOf({ url, caPem: validCertificate.cert })).reason).toBe('TokenRejected');
    expect(seen).toEqual([`Bearer ${token}`]);
  });

  it('sends nothing to a parent that neither the given CA nor the system roots know', async () => {
    const { url, seen } = await serve(validCertificate);
    expect((await faultOf({ url, caPem: undefined })).reason).toBe('UnknownAuthority');
    expect((await faultOf({ url, caPem: expiredCertificate.cert })).reason).toBe('UnknownAuthority');
    expect(seen).toEqual([]);
  });

  it('tells a certificate for another host', async () => {
    const { url, seen } = await serve(validCertificate);
    const named = url.replace('127.0.0.1', 'localhost');
    expect((await faultOf({ url: named, caPem: validCertificate.cert })).reason).toBe('CertificateNameMismatch');
    expect(seen).toEqual([]);
  });

  it('tells an expired certificate from a clock that runs ahead', async () => {
    const parentTime = new Date('2020-06-01T00:00:00Z');
    const { url, seen } = await serve(expiredCertificate, parentTime);
    const connection = { url, caPem: expiredCertificate.cert };
    expect((await faultOf(connection, new Date())).reason).toBe('CertificateExpired');
    const fault = await faultOf(connection, await readParentClock(url));
    expect(fault.reason).toBe('ClockSkew');
    expect(fault.message).toContain("ahead of the parent's");
    expect(seen).toEqual([undefined]);
  });

  it('accepts any certificate only where the operator said so', async () => {
    const { url } = await serve(validCertificate);
    expect((await faultOf({ url, caPem: undefined, insecure: true })).reason).toBe('TokenRejected');
  });
});

describe('readParentClock', () => {
  it('reads the clock without showing a credential', async () => {
    const time = new Date('2030-01-01T00:00:00Z');
    const { url, seen } = await serve(validCertificate, time);
    expect(await readParentClock(url)).toEqual(time);
    expect(seen).toEqual([undefined]);
  });

  it('is silent when nobody answers', async () => {
    const { url } = await serve(validCertificate);
    servers.splice(0).forEach((server) => server.close());
    expect(await readParentClock(url)).toBeUndefined();
  });
});
