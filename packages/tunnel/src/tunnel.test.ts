// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, createServer as createSecureServer, request } from 'node:https';
import { connect as connectHttp2, createSecureServer as createHttp2Server } from 'node:http2';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { CertificateAuthority } from '@clusternet/pki';
import type { StreamHandler } from './tunnel.ts';
import { collect } from './testing/collect.ts';
import { TunnelBed } from './testing/tunnelBed.ts';

const dial: StreamHandler = async (target, { signal }) => {
  const socket = connectTcp({ host: '127.0.0.1', port: Number(target), allowHalfOpen: true, signal });
  await once(socket, 'connect');
  return socket;
};

let authority: CertificateAuthority;
let bed: TunnelBed;
const servers: Server[] = [];

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return String((server.address() as AddressInfo).port);
}

beforeEach(async () => {
  authority ??= await CertificateAuthority.create();
  bed = await TunnelBed.create({ authority });
});

afterEach(async () => {
  await bed.close();
  for (const server of servers.splice(0)) server.close();
});

const tls = async () => ({ ca: authority.cert });

describe('a tunnel over TLS', () => {
  it('carries megabytes both ways at once', async () => {
    const { atServer, atClient } = await bed.connect({ tls, onStream: async () => new PassThrough() });
    const stream = await atServer.open('echo');
    const sent = Buffer.alloc(20 * 1024 * 1024, 'some text of no particular length');
    stream.end(sent);
    expect((await collect(stream)).equals(sent)).toBe(true);
    expect(atServer.id).toBe(atClient.id);
    expect(atServer.bytesIn).toBe(atClient.bytesOut);
    expect(atServer.bytesIn).toBeGreaterThan(sent.length);
  });

  it('stays up while nothing but keep-alive passes', async () => {
    const short = { keepAliveMs: 20, deadAfterMs: 100 };
    const still = await TunnelBed.create({ authority, ...short });
    const { atServer, atClient } = await still.connect({ tls, ...short });
    // Longer than silence may last, by the count of its own pings.
    const [before, enough] = [atClient.bytesIn, 20 * 5];
    const ended = Promise.race([atServer.closed, atClient.closed]);
    while (atClient.bytesIn - before < enough) {
      expect(await Promise.race([ended, sleep(5, 'up')])).toBe('up');
    }
    await still.close();
  });

  it('carries a stream with half-close to a real socket', async () => {
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      void collect(socket).then((request) => socket.end(`got ${request.length} bytes`));
    });
    const port = await listen(server);
    const { atServer } = await bed.connect({ tls, onStream: dial });
    const stream = await atServer.open(port);
    stream.end(Buffer.alloc(1_000_000));
    expect(String(await collect(stream))).toBe('got 1000000 bytes');
  });

  it('passes on that a dial failed', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    const { atServer } = await bed.connect({ tls, onStream: dial });
    await expect(atServer.open(port)).rejects.toMatchObject({ name: 'StreamRefusedError', code: 'ECONNREFUSED' });
  });

  it('stalls one stream while another goes on', async () => {
    const streams: PassThrough[] = [];
    const { atServer, atClient } = await bed.connect({
      tls,
      onStream: async (target) => {
        const stream = new PassThrough();
        streams.push(stream);
        if (target === 'bulk') stream.write(Buffer.alloc(32 * 1024 * 1024));
        return stream;
      },
    });
    const stalled = await atServer.open('bulk');
    const live = await atServer.open('echo');
    for (let i = 0; i < 20; i++) {
      live.write(`${i}`);
      const [answer] = (await once(live, 'data')) as [Buffer];
      expect(String(answer)).toBe(`${i}`);
    }
    expect(atClient.bytesOut).toBeLessThan(512 * 1024);
    stalled.resume();
    await once(stalled, 'data');
  });
});

describe('TLS inside the tunnel', () => {
  const secure = async (port: string, open: (target: string) => Promise<Duplex>, protocol: string) => {
    const socket = connectTls({ socket: await open(port), ca: authority.cert, servername: 'inner', ALPNProtocols: [protocol] });
    await once(socket, 'secureConnect');
    return socket;
  };

  it('carries HTTP/1.1 on a connection kept alive', async () => {
    const pair = await authority.issue('inner');
    const server = createSecureServer(pair, (req, res) => void collect(req).then((body) => res.end(`${req.url} ${body.length}`)));
    const port = await listen(server);
    const { atServer } = await bed.connect({ tls, onStream: dial });
    let connections = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = (_options, callback) => {
      connections++;
      secure(port, (target) => atServer.open(target), 'http/1.1').then(
        (socket) => callback?.(null, socket),
        (error: Error) => callback?.(error, undefined as never),
      );
      return undefined;
    };
    for (const [path, size] of [
      ['/a', 0],
      ['/b', 3_000_000],
      ['/c', 17],
    ] as const) {
      const req = request({ host: 'inner', path, method: 'POST', agent });
      req.end(Buffer.alloc(size));
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      expect(String(await collect(res))).toBe(`${path} ${size}`);
    }
    expect(connections).toBe(1);
    agent.destroy();
  });

  it('carries HTTP/2 with many requests at once', async () => {
    const server = createHttp2Server(await authority.issue('inner'));
    server.on('stream', (stream, headers) => {
      stream.respond();
      stream.end(`hello ${String(headers[':path'])}`.padEnd(100_000));
    });
    const port = await listen(server);
    const { atServer } = await bed.connect({ tls, onStream: dial });
    const socket = await secure(port, (target) => atServer.open(target), 'h2');
    const session = connectHttp2('https://inner', { createConnection: () => socket });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => collect(session.request({ ':path': `/${i}` }))));
    expect(answers.map((answer) => String(answer).trim())).toEqual(answers.map((_, i) => `hello /${i}`));
    session.destroy();
  });
});
