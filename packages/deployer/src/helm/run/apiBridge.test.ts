// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ApiBridge } from './apiBridge.ts';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer((socket) => void socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => void server.close());

const start = (): Promise<ApiBridge> =>
  ApiBridge.start({ server: new URL(`https://127.0.0.1:${port}`), signal: new AbortController().signal });

async function connect(bridge: string, to: string, authorization?: string): Promise<{ status: number; socket: Socket }> {
  const { hostname, port: own, username, password } = new URL(bridge);
  const basic = authorization ?? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const asked = request({ host: hostname, port: own, method: 'CONNECT', path: to, headers: { 'proxy-authorization': basic } });
  asked.end();
  const [response, socket] = (await once(asked, 'connect')) as [{ statusCode: number }, Socket];
  socket.on('error', () => undefined);
  return { status: response.statusCode, socket };
}

describe('ApiBridge', () => {
  it('leads to the API server, both ways', async () => {
    await using bridge = await start();
    const { status, socket } = await connect(bridge.url, `127.0.0.1:${port}`);
    expect(status).toBe(200);
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    socket.destroy();
  });

  it('leads nowhere else, and nobody who does not know the password', async () => {
    await using bridge = await start();
    expect((await connect(bridge.url, '169.254.169.254:80')).status).toBe(403);
    expect((await connect(bridge.url, `127.0.0.1:${port}`, 'Basic aGVsbTp4')).status).toBe(407);
  });

  it('ends every connection when it is closed', async () => {
    const bridge = await start();
    const { socket } = await connect(bridge.url, `127.0.0.1:${port}`);
    const ended = once(socket, 'close');
    await bridge.close();
    await ended;
  });

  it('says why the API server is not reached', async () => {
    const server2 = new URL(`https://127.0.0.1:${port}`);
    const open = () => Promise.reject(new Error('the agent is not connected'));
    await using bridge = await ApiBridge.start({ server: server2, open, signal: new AbortController().signal });
    expect((await connect(bridge.url, `127.0.0.1:${port}`)).status).toBe(502);
  });
});
