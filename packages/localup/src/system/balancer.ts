// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Spreads TCP connections over the replicas of a service in turn, as a Service does, leaving out those that do not answer. */
export class Balancer {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param ports - of the replicas, on loopback; asked for each connection */
  static async start(ports: () => number[]): Promise<Balancer> {
    let turn = 0;
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      follow(socket, sockets);
      const order = ports();
      const first = turn++ % Math.max(order.length, 1);
      tryNext(socket, [...order.slice(first), ...order.slice(0, first)], sockets);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Balancer(server, sockets);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function tryNext(socket: Socket, [port, ...others]: number[], sockets: Set<Socket>): void {
  if (port === undefined) {
    socket.destroy();
    return;
  }
  const replica = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  let connected = false;
  follow(replica, sockets);
  replica.on('connect', () => {
    connected = true;
    socket.pipe(replica);
    replica.pipe(socket);
    socket.on('close', () => replica.destroy());
  });
  replica.on('close', () => {
    if (connected) socket.destroy();
    else tryNext(socket, others, sockets);
  });
}

function follow(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
}
