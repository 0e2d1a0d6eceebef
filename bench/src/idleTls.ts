// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * What a TLS connection costs a Node process that asks its clients for certificates, as an aggregated API server does, once a message has gone
 * each way: the floor of an idle tunnel. Both ends run as processes of their own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { CertificateAuthority } from '@clusternet/pki';

interface Start {
  role: 'server' | 'client';
  count: number;
  port: number;
  ca: string;
  cert: string;
  key: string;
}

const settleMs = 3_000;

/** Kilobytes of resident memory that each of `count` connections takes. */
export async function idleTlsKilobytes(count: number): Promise<number> {
  const authority = await CertificateAuthority.create('idle-tls');
  const ca = authority.cert;
  const issue = (commonName: string) => authority.issue({ names: [commonName], hosts: ['127.0.0.1'] });
  const [server, client] = [begin(), begin()];
  try {
    server.send({ role: 'server', count, port: 0, ca, ...(await issue('server')) } satisfies Start);
    const [port] = (await once(server, 'message')) as [number];
    client.send({ role: 'client', count, port, ca, ...(await issue('client')) } satisfies Start);
    const [kilobytes] = (await once(server, 'message')) as [number];
    return kilobytes;
  } finally {
    server.kill();
    client.kill();
  }
}

/** With the memory settings that the charts give. */
function begin() {
  return fork(import.meta.filename, {
    execArgv: ['--conditions=@clusternet/source', '--max-semi-space-size=4'],
    env: {
      ...process.env,
      MALLOC_ARENA_MAX: '2',
      MALLOC_TRIM_THRESHOLD_: '131072',
      MALLOC_MMAP_THRESHOLD_: '32768',
      MALLOC_TOP_PAD_: '32768',
    },
  });
}

function serve({ count, ca, cert, key }: Start): void {
  const sockets = new Set<object>();
  let before = 0;
  const server = createServer({ ca, cert, key, requestCert: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined).on('data', (bytes: Buffer) => void socket.write(bytes)));
    if (sockets.size < count) return;
    setTimeout(() => process.send?.((process.memoryUsage.rss() - before) / 1024 / count), settleMs);
  });
  server.listen(0, '127.0.0.1', () => {
    before = process.memoryUsage.rss();
    process.send?.((server.address() as AddressInfo).port);
  });
}

function ask({ count, port, ca, cert, key }: Start, open = 0): void {
  if (open === count) return;
  const socket = connect({ host: '127.0.0.1', port, ca, cert, key }, () =>
    ask({ role: 'client', count, port, ca, cert, key }, open + 1),
  );
  socket.on('error', () => undefined).resume();
  socket.write('one message');
}

// The child's half of `begin`.
if (process.argv[1] === import.meta.filename) {
  process.once('message', (start: Start) => (start.role === 'server' ? serve(start) : ask(start)));
}
