// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { CertificateAuthority } from '@clusternet/pki';
import { ManualClock } from '../testing/manualClock.ts';
import { TunnelBed } from '../testing/tunnelBed.ts';
import { TunnelClient, type TunnelClientOptions, type TunnelState } from './tunnelClient.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function newBed(options: Parameters<typeof TunnelBed.create>[0] = {}): Promise<TunnelBed> {
  const bed = await TunnelBed.create(options);
  closers.push(() => bed.close());
  return bed;
}

/** A client whose states can be waited for. */
function watched(options: Partial<TunnelClientOptions> & { url: string }) {
  const states: TunnelState[] = [];
  let wake = () => {};
  const client = new TunnelClient({
    headers: async () => ({}),
    tls: async () => ({}),
    backoff: { initialMs: 10, maxMs: 20 },
    ...options,
    onChange: (state) => {
      states.push(state);
      wake();
    },
  });
  closers.push(() => client.close());
  const until = async (matches: (state: TunnelState) => boolean): Promise<TunnelState> => {
    for (;;) {
      const found = states.find(matches);
      if (found) return found;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { client, states, until };
}

describe('TunnelClient', () => {
  it('comes back after a loss, with a fresh token each time', async () => {
    const bed = await newBed();
    let attempts = 0;
    const { until, client, states } = watched({ url: bed.url, headers: async () => ({ authorization: `Bearer ${++attempts}` }) });
    const arrived = bed.nextTunnel();
    client.start();
    const first = await arrived;
    await until(({ connected }) => connected);
    const again = bed.nextTunnel();
    await first.close('cut');
    await again;
    const lost = await until(({ connected }) => !connected);
    expect(lost.error?.message).toBe('the tunnel was lost: the other end closed it: cut');
    await until(({ connected, tunnel }) => connected && tunnel !== states[0]?.tunnel);
    expect(bed.tunnels.map(({ req }) => req.headers.authorization)).toEqual(['Bearer 1', 'Bearer 2']);
  });

  it('trusts the authority it is given and no other, and sees a rotated one at the next attempt', async () => {
    const [right, wrong] = [await CertificateAuthority.create(), await CertificateAuthority.create()];
    const bed = await newBed({ authority: right });
    let ca = wrong.cert;
    const { until, client } = watched({ url: bed.url, tls: async () => ({ ca }) });
    client.start();
    const refused = await until(({ error }) => error !== undefined);
    expect(refused.error).toMatchObject({
      name: 'ConnectError',
      cause: expect.objectContaining({ code: expect.stringMatching(/CERT|SIGNATURE/) }),
    });
    ca = right.cert;
    await until(({ connected }) => connected);
  });

  it('tells what the parent answered, and stays away as long as it asks', async () => {
    const clock = new ManualClock();
    const http = createServer().listen(0, '127.0.0.1');
    http.on('upgrade', (_req, socket) => {
      const body = JSON.stringify({ kind: 'Status', message: 'sockets "a" is forbidden' });
      socket.end(`HTTP/1.1 403 Forbidden\r\nRetry-After: 7\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    await once(http, 'listening');
    closers.push(async () => http.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/x`;
    const { until, client } = watched({ url, clock, random: () => 0.5, backoff: { initialMs: 1000 } });
    client.start();
    const { error, attempts } = await until((state) => state.error !== undefined);
    expect(error).toMatchObject({
      name: 'ConnectError',
      status: 403,
      retryAfterMs: 7000,
      message: 'the parent answered 403: sockets "a" is forbidden',
    });
    expect(attempts).toBe(1);
    await setImmediate();
    expect(clock.waits).toEqual([7500]);
  });

  it('survives headers and trust that cannot be had', async () => {
    const bed = await newBed();
    let broken = true;
    const headers = async () => {
      if (broken) throw new Error('no token yet');
      return {};
    };
    const { until, client } = watched({ url: bed.url, headers });
    client.start();
    await until(({ error }) => error?.message === 'no token yet');
    broken = false;
    await until(({ connected }) => connected);
  });

  it('forgets failures once a tunnel was stable, and not before', async () => {
    const clock = new ManualClock();
    const bed = await newBed();
    const { client, until, states } = watched({
      url: bed.url,
      clock,
      random: () => 0.5,
      backoff: { initialMs: 1000, maxMs: 50_000 },
    });
    const loseAfter = async (ms: number) => {
      const arrived = bed.nextTunnel();
      if (bed.tunnels.length === 0) client.start();
      else clock.advance(100_000);
      const tunnel = await arrived;
      await until((state) => state.connected && state === states.at(-1));
      // All at once, or silence is all that the keep-alive sees.
      clock.stall(ms);
      const before = states.length;
      await tunnel.close('cut');
      while (states.length === before) await setImmediate();
      await setImmediate();
      return Math.max(...clock.waits);
    };
    expect(await loseAfter(10)).toBe(500);
    expect(await loseAfter(10)).toBeCloseTo(650);
    expect(await loseAfter(10)).toBeCloseTo(845);
    expect(await loseAfter(30_000)).toBe(500);
  });

  it('stops in the middle of an attempt', async () => {
    const http = createServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    const arrived = once(http, 'upgrade');
    http.on('upgrade', () => {});
    const { client, states } = watched({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/x` });
    client.start();
    const [, socket] = (await arrived) as [unknown, Socket];
    socket.resume();
    const gone = once(socket, 'end');
    await client.close();
    await gone;
    socket.destroy();
    expect(client.tunnel).toBeUndefined();
    expect(states.at(-1)).toMatchObject({ connected: false });
    http.closeAllConnections();
    http.close();
  });

  it('takes only URLs that a tunnel can have', () => {
    expect(() => watched({ url: 'ftp://x' })).toThrow('https://');
    expect(() => watched({ url: 'https://x', deadAfterMs: 1000, keepAliveMs: 900 })).toThrow('deadAfterMs');
  });
});
