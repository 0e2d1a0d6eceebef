// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { collect } from './testing/collect.ts';
import { TunnelBed } from './testing/tunnelBed.ts';

let bed: TunnelBed;
afterEach(() => bed.close());

/** What a server says to an upgrade request with this query. */
async function upgrade(query: string): Promise<{ status: number | undefined; body: string; retryAfter?: string }> {
  const req = get(`${bed.url}?${query}`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
    },
  });
  const [event, res] = await Promise.race([
    once(req, 'response').then(([response]) => ['response', response as IncomingMessage] as const),
    once(req, 'upgrade').then(
      ([response, socket]) => ((socket as Socket).destroy(), ['upgrade', response as IncomingMessage] as const),
    ),
  ]);
  return {
    status: res.statusCode,
    body: event === 'upgrade' ? '' : String(await collect(res)),
    retryAfter: res.headers['retry-after'],
  };
}

/** A peer of socket.io's own wire that says what the test wants. */
async function rawPeer(): Promise<{ webSocket: WebSocket; closed: Promise<unknown> }> {
  const webSocket = new WebSocket(`${bed.url.replace('http', 'ws')}?EIO=4&transport=websocket`);
  webSocket.on('error', () => {});
  const closed = once(webSocket, 'close');
  await once(webSocket, 'message');
  webSocket.send('40');
  await once(webSocket, 'message');
  return { webSocket, closed };
}

const echo = async () => new PassThrough();

describe('TunnelServer', () => {
  it('hands over the request with the tunnel, and keeps none of it', async () => {
    bed = await TunnelBed.create();
    const { atServer } = await bed.connect({ headers: async () => ({ authorization: 'Bearer secret' }) });
    expect(bed.tunnels).toEqual([{ tunnel: atServer, req: expect.objectContaining({ method: 'GET' }) }]);
    const req = bed.tunnels[0]?.req;
    expect(req?.headers.authorization).toBe('Bearer secret');
    expect(req?.url).toContain('/sockets/a-cluster?');
  });

  it.each([
    'EIO=4&transport=polling',
    'EIO=3&transport=websocket',
    'transport=websocket',
    'EIO=4&transport=websocket&sid=someone-elses',
  ])('refuses %s', async (query) => {
    bed = await TunnelBed.create();
    await expect(upgrade(query)).resolves.toMatchObject({ status: 400 });
    expect(bed.server.size).toBe(0);
  });

  it('opens streams from either end', async () => {
    bed = await TunnelBed.create({ onStream: echo });
    const { atServer, atClient } = await bed.connect({ onStream: echo });
    for (const tunnel of [atServer, atClient]) {
      const stream = await tunnel.open('x');
      stream.end('both ways');
      expect(String(await collect(stream))).toBe('both ways');
    }
  });

  it.each([
    ['an event', '42["frame","x"]'],
    ['an event with binary parts', '451-["frame",{"_placeholder":true,"num":0}]'],
    ['another namespace', '40/admin,'],
    ['garbage', 'what?'],
    ['a ping of the wrong direction', '2'],
    ['a second connect', '40'],
  ])('cuts off a peer that sends %s as text', async (_name, message) => {
    bed = await TunnelBed.create({ onStream: echo });
    const well = await bed.connect({ onStream: echo });
    const { webSocket, closed } = await rawPeer();
    webSocket.send(message);
    await closed;
    const stream = await well.atServer.open('x');
    stream.end('still well');
    expect(String(await collect(stream))).toBe('still well');
    expect(bed.server.size).toBe(1);
  });

  it('cuts off a peer that sends a message beyond the limit before it has read it', async () => {
    bed = await TunnelBed.create();
    const { webSocket, closed } = await rawPeer();
    webSocket.send(Buffer.alloc(1024 * 1024));
    await closed;
    expect(bed.server.size).toBe(0);
  });

  it('forgets a peer that connects and says nothing', async () => {
    bed = await TunnelBed.create({ keepAliveMs: 20, deadAfterMs: 60 });
    const { closed } = await rawPeer();
    await closed;
    expect(bed.server.size).toBe(0);
    expect(bed.tunnels).toEqual([]);
  });

  it('finds out about a network that swallows everything', async () => {
    bed = await TunnelBed.create({ keepAliveMs: 40, deadAfterMs: 200 });
    const sockets: Socket[] = [];
    const hole = createTcpServer((socket) => {
      const { port } = bed.http.address() as AddressInfo;
      const onward = connectTcp(port, '127.0.0.1');
      sockets.push(socket, onward);
      socket
        .on('error', () => {})
        .pipe(onward.on('error', () => {}))
        .pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(hole, 'listening');
    const url = new URL(bed.url);
    url.port = String((hole.address() as AddressInfo).port);
    const { atServer, atClient } = await bed.connect({ url: String(url), keepAliveMs: 40, deadAfterMs: 200, onStream: echo });
    const stream = await atServer.open('x');
    const failed = once(stream, 'error');
    for (const socket of sockets) socket.unpipe().pause();
    await expect(Promise.all([atServer.closed, atClient.closed])).resolves.toEqual([
      { reason: 'the other end is silent' },
      { reason: 'the other end is silent' },
    ]);
    expect(await failed).toMatchObject([{ code: 'ETUNNELCLOSED' }]);
    for (const socket of sockets) socket.destroy();
    hole.close();
  });

  it('has clients move to another server before it closes, their streams alive meanwhile', async () => {
    const next = await TunnelBed.create({ onStream: echo });
    bed = await TunnelBed.create({ drainSpreadMs: 300, onStream: echo });
    const { port } = next.http.address() as AddressInfo;
    let url = bed.url;
    // A balancer: one address, and whoever is ready behind it.
    const balancer = createTcpServer((socket) => {
      const onward = connectTcp(Number(new URL(url).port), '127.0.0.1');
      socket
        .on('error', () => onward.destroy())
        .pipe(onward.on('error', () => socket.destroy()))
        .pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(balancer, 'listening');
    const front = new URL(bed.url);
    front.port = String((balancer.address() as AddressInfo).port);
    const states: boolean[] = [];
    const { atClient, client } = await bed.connect({
      url: String(front),
      random: () => 0.1,
      onChange: ({ connected }) => states.push(connected),
    });
    const stream = await atClient.open('x');
    url = next.url;
    expect(String(port)).toBe(new URL(next.url).port);
    const moved = next.nextTunnel();
    const closing = bed.server.close();
    await moved;
    stream.end('still alive');
    expect(String(await collect(stream))).toBe('still alive');
    await expect(upgrade('EIO=4&transport=websocket')).resolves.toMatchObject({ status: 503, retryAfter: '1' });
    await closing;
    await setImmediate();
    expect(client.tunnel).toBeDefined();
    expect(client.tunnel).not.toBe(atClient);
    expect(states.every(Boolean)).toBe(true);
    balancer.close();
    await client.close();
    await next.close();
  });

  it('leaves nothing behind after thousands of streams', async () => {
    bed = await TunnelBed.create();
    const { atServer, atClient } = await bed.connect({ onStream: echo });
    const signal = new AbortController().signal;
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    for (let round = 0; round < 25; round++) {
      await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const stream = await atServer.open('x', { signal });
          if (i % 4 === 0) return stream.destroy();
          stream.end(`hello ${i}`);
          expect(String(await collect(stream))).toBe(`hello ${i}`);
          return stream;
        }),
      );
    }
    // The other end may hear of the last reset a little later.
    while (atClient.streams > 0) await setImmediate();
    expect([atServer.streams, atClient.streams, listeners]).toEqual([0, 0, 0]);
  });
});
