// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP relay in front of a server whose connections a test can cut or let hang, as a broken network does. */
export class CuttableProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  #held = false;

  private constructor(target: URL) {
    this.#server = createServer((incoming) => {
      const outgoing = connect(Number(target.port), target.hostname);
      this.#track(incoming, outgoing);
      if (this.#cut) incoming.resetAndDestroy();
      else if (!this.#held) incoming.pipe(outgoing).pipe(incoming);
    });
  }

  static async start(target: string): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(new URL(target));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections; new ones are refused until {@link CuttableProxy.mend}. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#cut = false;
  }

  /** Swallows what comes from either side, on all connections, and tells nobody: a network that drops packets. */
  hold(): void {
    this.#held = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** Lets new connections pass; those that were held never recover. */
  release(): void {
    this.#held = false;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #track(...pair: [Socket, Socket]): void {
    const [incoming, outgoing] = pair;
    for (const [socket, other] of [pair, [outgoing, incoming]] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
