// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@clusternet/runtime';
import { CertificateAuthority } from '@clusternet/pki';
import { type Streams } from '../sockets/streams.ts';
import { NoTunnelError, proxyError } from '../sockets/tunnelErrors.ts';
import { PeerNetwork } from './peerNetwork.ts';

const name = 'clusternet-hub-peer';
const direct = { to: 'direct' } as const;
const address = '127.0.0.1';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function replica(id: string, authority: CertificateAuthority, local: Streams): Promise<PeerNetwork> {
  const tls = { ...(await authority.issue(name)), bundle: authority.cert };
  const network = await PeerNetwork.listen({ id, tls: () => tls, name, local, logger: silentLogger }, { port: 0, address });
  closers.push(() => network.close());
  return network;
}

const nothing: Streams = { open: () => Promise.reject(new NoTunnelError()) };

/** Echoes what it is asked for, and by which name. */
const echo: Streams = {
  open: async (clusterId, target) => {
    const through = new PassThrough();
    through.write(`${clusterId} ${JSON.stringify(target)} `);
    return Duplex.from({ readable: through, writable: through });
  },
};

async function opened(network: PeerNetwork, peer: string): Promise<Duplex> {
  for (;;) {
    try {
      return await network.open(peer, 'cluster-1', direct);
    } catch (error) {
      if (!(error instanceof NoTunnelError)) throw error;
      await delay(5);
    }
  }
}

describe('replicas', () => {
  it('pass streams on to the one that holds the tunnel', async () => {
    const authority = await CertificateAuthority.create('peers');
    const [a, b] = [await replica('a', authority, nothing), await replica('b', authority, echo)];
    a.follow([
      { id: 'a', host: address, port: a.port },
      { id: 'b', host: address, port: b.port },
    ]);
    const stream = await opened(a, 'b');
    stream.end('hello');
    expect(await text(stream)).toBe('cluster-1 {"to":"direct"} hello');
  });

  it('tell what stood in the way there, and pass on nothing twice', async () => {
    const authority = await CertificateAuthority.create('peers');
    const forbidden = Object.assign(new Error('policy says no'), { code: 'FORBIDDEN' });
    const [a, b, c] = [
      await replica('a', authority, echo),
      await replica('b', authority, nothing),
      await replica('c', authority, { open: () => Promise.reject(forbidden) }),
    ];
    a.follow([
      { id: 'b', host: address, port: b.port },
      { id: 'c', host: address, port: c.port },
    ]);
    const missing: unknown = await opened(a, 'b').catch((error: unknown) => error);
    expect(proxyError(missing, false)).toMatchObject({ code: 503, retryAfterSeconds: 1 });
    expect(proxyError(missing, false, { useSocket: false })).toMatchObject({
      code: 503,
      message: expect.stringContaining('featureGates.SocketConnection=true'),
    });
    const refused: unknown = await opened(a, 'c').catch((error: unknown) => error);
    expect(proxyError(refused, false)).toMatchObject({ code: 403 });
  });

  it('fail at once when the other one is dead, and find it when it is back elsewhere', async () => {
    const authority = await CertificateAuthority.create('peers');
    const [a, b] = [await replica('a', authority, nothing), await replica('b', authority, echo)];
    a.follow([{ id: 'b', host: address, port: b.port }]);
    const stream = await opened(a, 'b');
    const ended = new Promise((resolve) => stream.once('close', resolve));
    await b.close();
    await ended;
    await expect(a.open('b', 'cluster-1', direct)).rejects.toThrow('cannot be reached');
    const again = await replica('b', authority, echo);
    a.follow([{ id: 'b', host: address, port: again.port }]);
    (await opened(a, 'b')).destroy();
    a.follow([]);
    await expect(a.open('b', 'cluster-1', direct)).rejects.toThrow(NoTunnelError);
  });

  it('let nobody in without a certificate of theirs', async () => {
    const authority = await CertificateAuthority.create('peers');
    const stranger = await replica('x', await CertificateAuthority.create('strangers'), nothing);
    const b = await replica('b', authority, echo);
    stranger.follow([{ id: 'b', host: address, port: b.port }]);
    await delay(300);
    await expect(stranger.open('b', 'cluster-1', direct)).rejects.toThrow(NoTunnelError);
  });
});
