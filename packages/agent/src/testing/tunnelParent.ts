// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import { TunnelServer, type Tunnel } from '@clusternet/tunnel';
import { validCertificate, type TestCertificate } from './certificates.ts';

/** A parent that takes tunnels, over real TLS on the loopback address. Its answers are the test's to choose. */
export class TunnelParent {
  /** URL of every attempt. */
  readonly urls: string[] = [];
  /** Authorization header of every attempt. */
  readonly credentials: string[] = [];
  /** Tunnels that came up, the latest last. */
  readonly tunnels: Tunnel[] = [];
  /** Answer instead of a tunnel. */
  refuse: ((req: IncomingMessage) => { status: string; message: string } | undefined) | undefined;
  readonly port: number;
  readonly #http: Server;
  readonly #server: TunnelServer;

  private constructor(http: Server) {
    this.#http = http;
    this.port = (http.address() as AddressInfo).port;
    this.#server = new TunnelServer({ drainSpreadMs: 0, onTunnel: (tunnel) => this.tunnels.push(tunnel) });
    http.on('upgrade', (req, socket, head) => this.#upgrade(req, socket, head));
  }

  /** @param o - `port` of an earlier one, for a parent that comes back */
  static async start(o: { certificate?: TestCertificate; port?: number } = {}): Promise<TunnelParent> {
    const http = createServer({ ...(o.certificate ?? validCertificate) });
    http.listen(o.port ?? 0, '127.0.0.1');
    await once(http, 'listening');
    return new TunnelParent(http);
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** The tunnel that is up. */
  get tunnel(): Tunnel {
    const tunnel = this.tunnels.at(-1);
    if (!tunnel) throw new Error('there is no tunnel yet');
    return tunnel;
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.urls.push(req.url ?? '');
    this.credentials.push(req.headers.authorization ?? '');
    const refusal = this.refuse?.(req);
    if (!refusal) return this.#server.handleUpgrade(req, socket, head);
    const body = JSON.stringify({ kind: 'Status', message: refusal.message });
    socket.end(`HTTP/1.1 ${refusal.status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  }
}
