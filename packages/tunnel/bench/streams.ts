// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * A real HTTPS server visited straight and through a tunnel in one run: TLS inside the tunnel, TLS around it, the server and
 * the client end of the tunnel in a process of their own.
 *
 *     node --conditions=@clusternet/source bench/streams.ts
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, createServer, get } from 'node:https';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CertificateAuthority } from '@clusternet/pki';
import { TunnelClient, TunnelServer, type Tunnel } from '../src/index.ts';

const bulkBytes = 20 * 1024 * 1024;

/** The child: an HTTPS server, and the end of the tunnel that dials it. */
async function child(url: string, ca: string, cert: string, key: string): Promise<void> {
  const small = Buffer.alloc(1000, 'x');
  const large = Buffer.alloc(bulkBytes, 'x');
  const server = createServer({ cert, key }, (req, res) => res.end(req.url === '/large' ? large : small)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new TunnelClient({
    url,
    headers: async () => ({}),
    tls: async () => ({ ca }),
    onStream: async () => {
      const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
      await once(socket, 'connect');
      return socket;
    },
  });
  client.start();
  process.send?.(port);
  process.on('disconnect', () => process.exit());
}

async function fetchOnce(agent: Agent, port: number, path: string): Promise<number> {
  const req = get({ host: '127.0.0.1', port, path, agent });
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  let bytes = 0;
  for await (const piece of res as AsyncIterable<Buffer>) bytes += piece.length;
  return bytes;
}

/** CPU seconds that a process of this machine has used; only where there is a /proc. */
async function cpuSeconds(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return ((user ?? NaN) + (system ?? NaN)) / 100;
}

async function measure(agent: Agent, port: number, childPid: number | undefined) {
  const run = (path: string) => fetchOnce(agent, port, path);
  for (let i = 0; i < 500; i++) await run('/');
  const times: number[] = [];
  for (let i = 0; i < 1500; i++) {
    const start = performance.now();
    await run('/');
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const rateStart = performance.now();
  let requests = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (performance.now() - rateStart < 3000) {
        await run('/');
        requests++;
      }
    }),
  );
  const rate = requests / ((performance.now() - rateStart) / 1000);
  const bulk = async (streams: number, rounds: number) => {
    const start = performance.now();
    for (let i = 0; i < rounds; i++) await Promise.all(Array.from({ length: streams }, () => run('/large')));
    return (bulkBytes * streams * rounds) / (performance.now() - start) / 1000;
  };
  await bulk(1, 1);
  const cpu = async () => [await cpuSeconds(process.pid), await cpuSeconds(childPid)] as const;
  const [here, there] = await cpu();
  const one = await bulk(1, 10);
  const six = await bulk(6, 2);
  const [hereAfter, thereAfter] = await cpu();
  const gigabytes = (22 * bulkBytes) / 1e9;
  // A small request in the middle of bulk: what fairness is for.
  let busy = true;
  const background = Promise.all(Array.from({ length: 6 }, () => run('/large'))).then(() => (busy = false));
  const between: number[] = [];
  while (busy) {
    const start = performance.now();
    await run('/');
    between.push(performance.now() - start);
  }
  await background;
  between.sort((a, b) => a - b);
  const at = (list: number[], share: number) => Number((list[Math.floor(list.length * share)] ?? 0).toFixed(2));
  return {
    'GET p50 ms': at(times, 0.5),
    'p99 ms': at(times, 0.99),
    'req/s at 32': Math.round(rate),
    'MB/s one': Math.round(one),
    'MB/s six': Math.round(six),
    'GET in bulk p50 ms': at(between, 0.5),
    'CPU s/GB here': Number(((hereAfter - here) / gigabytes).toFixed(2)),
    'CPU s/GB there': Number(((thereAfter - there) / gigabytes).toFixed(2)),
  };
}

async function main(): Promise<void> {
  const authority = await CertificateAuthority.create();
  const pair = await authority.issue('localhost');
  const { promise, resolve } = Promise.withResolvers<Tunnel>();
  const tunnels = new TunnelServer({ onTunnel: resolve, drainSpreadMs: 0 });
  const https = createServer(pair).listen(0, '127.0.0.1');
  https.on('upgrade', (req, socket, head) => tunnels.handleUpgrade(req, socket, head));
  await once(https, 'listening');
  const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}/x`;
  const forked = fork(import.meta.filename, ['child', url, authority.cert, pair.cert, pair.key], { execArgv: process.execArgv });
  const [port] = (await once(forked, 'message')) as [number];
  const tunnel = await promise;
  const straight = new Agent({ keepAlive: true, ca: authority.cert, maxSockets: 32 });
  const through = new Agent({ keepAlive: true, maxSockets: 32 });
  through.createConnection = (_options, callback) => {
    tunnel.open('api').then(
      (socket) => callback?.(null, connectTls({ socket, ca: authority.cert, servername: 'localhost' })),
      (error: Error) => callback?.(error, undefined as never),
    );
    return undefined;
  };
  console.table({ straight: await measure(straight, port, forked.pid), tunnelled: await measure(through, port, forked.pid) });
  forked.disconnect();
  process.exit();
}

const [mode, url = '', ca = '', cert = '', key = ''] = process.argv.slice(2);
if (mode === 'child') await child(url, ca, cert, key);
else await main();
