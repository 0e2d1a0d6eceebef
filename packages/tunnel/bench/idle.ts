// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Memory of a server per idle tunnel, TLS included, and how soon all clients are back after the server was killed and
 * started again. Clients run in a process of their own.
 *
 *     node --expose-gc --conditions=@clusternet/source bench/idle.ts [tunnels]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { CertificateAuthority } from '@clusternet/pki';
import { TunnelClient, TunnelServer } from '../src/index.ts';

const kib = 1024;

async function clients(url: string, ca: string, count: number): Promise<void> {
  const all = Array.from(
    { length: count },
    () =>
      new TunnelClient({ url, headers: async () => ({ authorization: `Bearer ${'x'.repeat(900)}` }), tls: async () => ({ ca }) }),
  );
  for (const [i, client] of all.entries()) {
    client.start();
    if (i % 10 === 9) await setTimeout(20);
  }
  process.on('disconnect', () => process.exit());
  await new Promise(() => {});
}

async function memory(): Promise<{ rss: number; heap: number; external: number }> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await setTimeout(300);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed, external };
}

async function main(count: number): Promise<void> {
  const authority = await CertificateAuthority.create();
  const pair = await authority.issue('localhost');
  let up = 0;
  const serve = async (port: number) => {
    const tunnels = new TunnelServer({ onTunnel: () => up++, drainSpreadMs: 0 });
    const https = createServer(pair);
    const sockets = new Set<Socket>();
    https.on('connection', (socket: Socket) => sockets.add(socket));
    https.on('upgrade', (req, socket, head) => tunnels.handleUpgrade(req, socket, head));
    https.listen(port, '127.0.0.1');
    await once(https, 'listening');
    return { sockets, https, port: (https.address() as AddressInfo).port };
  };
  const all = async () => {
    while (up < count) await setTimeout(10);
  };
  const first = await serve(0);
  // One tunnel first, so that what is loaded once does not count.
  const warm = fork(import.meta.filename, ['clients', `https://127.0.0.1:${first.port}/x`, authority.cert, '10'], {
    execArgv: process.execArgv,
  });
  while (up < 10) await setTimeout(10);
  warm.disconnect();
  await once(warm, 'exit');
  await setTimeout(200);
  up = 0;
  const before = await memory();
  const child = fork(import.meta.filename, ['clients', `https://127.0.0.1:${first.port}/x`, authority.cert, String(count)], {
    execArgv: process.execArgv,
  });
  await all();
  const after = await memory();
  const each = (key: keyof typeof before) => Math.round(((after[key] - before[key]) / count / kib) * 10) / 10;
  console.log({
    tunnels: count,
    'RSS KiB each': each('rss'),
    'heap KiB each': each('heap'),
    'external KiB each': each('external'),
  });
  const cpu = process.cpuUsage();
  await setTimeout(5000);
  const { user, system } = process.cpuUsage(cpu);
  console.log({ 'CPU % when idle': Math.round((user + system) / 500) / 100 });

  up = 0;
  first.https.close();
  for (const socket of first.sockets) socket.destroy();
  const start = performance.now();
  await setTimeout(1500);
  const second = await serve(first.port);
  const marks: number[] = [];
  for (const share of [0.5, 0.9, 1]) {
    while (up < count * share) await setTimeout(10);
    marks.push(Math.round(performance.now() - start));
  }
  console.log({ 'back after ms (down 1500)': { half: marks[0], most: marks[1], all: marks[2] } });
  child.disconnect();
  second.https.closeAllConnections();
  process.exit();
}

const [mode, url, ca, count] = process.argv.slice(2);
if (mode === 'clients') await clients(url ?? '', ca ?? '', Number(count));
else await main(Number(mode ?? 1000));
