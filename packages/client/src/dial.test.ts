// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { connect } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '@clusternet/pki';
import { ConnectionError } from './connectionError.ts';
import { secureStream } from './dial.ts';
import { KubeClient } from './kubeClient.ts';
import { json, TestServer } from './testing/testServer.ts';

const get = { method: 'GET', path: '/api/v1/namespaces' };

/** Dials through a pair of streams, as a tunnel does: what comes out is no socket. */
function dialler(port: number): { dial: () => Promise<Duplex>; streams: Duplex[] } {
  const streams: Duplex[] = [];
  const dial = async (): Promise<Duplex> => {
    const tcp = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(tcp, 'connect');
    const [near, far] = duplexPair();
    for (const end of [near, far, tcp]) end.on('error', () => undefined);
    tcp.pipe(far).pipe(tcp);
    tcp.on('close', () => near.destroy());
    near.on('close', () => tcp.destroy());
    streams.push(near);
    return near;
  };
  return { dial, streams };
}

describe('a client with a dialler of its own', () => {
  it('speaks TLS inside, keeps connections, and verifies by the name it is told', async () => {
    const authority = await CertificateAuthority.create();
    await using server = await TestServer.start((_, s) => json(s, { ok: true }), { tls: await authority.issue('child.example') });
    const { dial, streams } = dialler(server.port);
    const options = { server: 'https://10.9.8.7:6443', caPem: authority.cert, token: 'a-token', connect: dial };
    await using client = KubeClient.fromOptions({ ...options, tlsServerName: 'child.example' });
    for (let i = 0; i < 5; i++) expect(await client.request(get)).toEqual({ ok: true });
    expect(streams.length).toBeLessThanOrEqual(2);
    expect(server.requests[0]?.headers).toMatchObject({ host: '10.9.8.7:6443', authorization: 'Bearer a-token' });

    await using byAddress = KubeClient.fromOptions(options);
    await expect(byAddress.request(get)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID', sent: false });
    await client.close();
    await byAddress.close();
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('says that it is not connected when dialling fails', async () => {
    const refused = Object.assign(new Error('no tunnel'), { code: 'ETUNNELCLOSED' });
    await using client = KubeClient.fromOptions({ server: 'https://child', connect: () => Promise.reject(refused) });
    const error = await client.request({ ...get, timeoutMs: 500 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConnectionError);
  });
});

describe('TLS over a stream', () => {
  it('ends with its signal, and ends the stream', async () => {
    const [near] = duplexPair();
    const abort = new AbortController();
    const secured = secureStream(near, { host: 'child', signal: abort.signal });
    abort.abort(new Error('changed my mind'));
    await expect(secured).rejects.toThrow('changed my mind');
    expect(near.destroyed).toBe(true);
  });

  it('fails when the stream does', async () => {
    const [near] = duplexPair();
    const secured = secureStream(near, { host: 'child', signal: new AbortController().signal });
    near.destroy(new Error('the tunnel is gone'));
    await expect(secured).rejects.toThrow('the tunnel is gone');
  });
});
