// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * What a frame costs: socket.io's own parser and events, a parser that makes each event one binary message, and the way the
 * tunnel goes (binary messages beside socket.io's events). Client to server over TLS on loopback, in one process.
 *
 *     node --conditions=@clusternet/source bench/parser.ts
 */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { CertificateAuthority } from '@clusternet/pki';

class OneMessageEncoder {
  encode(packet: { type: number; nsp: string; data?: unknown }): unknown[] {
    if (packet.type === 2 && Array.isArray(packet.data)) return [packet.data[1]];
    return [JSON.stringify(packet)];
  }
}

class OneMessageDecoder extends EventEmitter {
  add(message: unknown): void {
    if (Buffer.isBuffer(message)) this.emit('decoded', { type: 2, nsp: '/', data: ['frame', message] });
    else this.emit('decoded', JSON.parse(String(message)));
  }
  destroy(): void {}
}

const oneMessage = { Encoder: OneMessageEncoder, Decoder: OneMessageDecoder };
const authority = await CertificateAuthority.create();
const pair = await authority.issue('localhost');

async function measure(way: 'default' | 'one message' | 'beside', size: number, count: number) {
  const parser = way === 'default' ? undefined : oneMessage;
  const https = createServer(pair);
  const server = new Server(https, { transports: ['websocket'], perMessageDeflate: false, maxHttpBufferSize: 1e8, parser });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const { port } = https.address() as AddressInfo;
  const client = io(`https://127.0.0.1:${port}`, {
    transports: ['websocket'],
    ca: authority.cert,
    parser,
    forceNew: true,
  } as object);
  const { promise, resolve } = Promise.withResolvers<void>();
  let received = 0;
  const count1 = () => ++received === count && resolve();
  server.on('connection', (socket) => {
    if (way === 'beside') socket.conn.on('data', (data: unknown) => Buffer.isBuffer(data) && count1());
    else socket.on('frame', count1);
  });
  await once(client as unknown as EventEmitter, 'connect');
  const webSocket = (
    client.io.engine.transport as unknown as {
      ws: { send(data: Buffer): void; _socket: EventEmitter & { writableNeedDrain: boolean } };
    }
  ).ws;
  const frame = Buffer.alloc(size, 1);
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let sent = 0; sent < count; sent++) {
    if (way === 'beside') webSocket.send(frame);
    else client.emit('frame', frame);
    if (webSocket._socket.writableNeedDrain) await once(webSocket._socket, 'drain');
    else if (sent % 16 === 0) await new Promise(setImmediate);
  }
  await promise;
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  client.close();
  await server.close();
  return {
    way,
    bytes: size,
    'frames/s': Math.round((count / ms) * 1000),
    'MB/s': Math.round((count * size) / ms / 1000),
    'CPU µs/frame': Math.round(((user + system) / count) * 10) / 10,
  };
}

const rows = [];
for (const [size, count] of [
  [64, 60_000],
  [64 * 1024, 8000],
] as const) {
  await measure('default', size, count / 10);
  for (const way of ['default', 'one message', 'beside'] as const) rows.push(await measure(way, size, count));
}
console.table(rows);
