// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createServer, type Server } from 'node:net';

// The system may hand the same port out again as soon as it is free; the programs bind it a moment later.
const handedOut = new Set<number>();

/** Ports on the loopback address that were free a moment ago, each handed out once by this process. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const server = createServer();
      servers.push(server);
      const port = await listen(server);
      if (handedOut.has(port)) continue;
      handedOut.add(port);
      ports.push(port);
    }
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}

/** One port of {@link freePorts}. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('the system gave no port');
  return port;
}

async function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('not a TCP port'));
      else resolve(address.port);
    });
  });
}
