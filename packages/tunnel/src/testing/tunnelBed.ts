// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { CertificateAuthority } from '@clusternet/pki';
import { TunnelClient, type TunnelClientOptions } from '../client/tunnelClient.ts';
import { TunnelServer, type TunnelServerOptions } from '../server.ts';
import type { Tunnel } from '../tunnel.ts';

/** A server and clients over real sockets on loopback, taken down together. */
export class TunnelBed {
  readonly server: TunnelServer;
  readonly http: Server;
  readonly url: string;
  readonly tunnels: { tunnel: Tunnel; req: IncomingMessage }[] = [];
  readonly #closers: (() => Promise<unknown>)[] = [];
  #waiting: ((tunnel: Tunnel) => void)[] = [];

  private constructor(http: Server, secure: boolean, options: Partial<TunnelServerOptions>) {
    this.http = http;
    this.server = new TunnelServer({
      drainSpreadMs: 0,
      ...options,
      onTunnel: (tunnel, req) => {
        this.tunnels.push({ tunnel, req });
        options.onTunnel?.(tunnel, req);
        for (const resolve of this.#waiting.splice(0)) resolve(tunnel);
      },
    });
    http.on('upgrade', (req, socket, head) => this.server.handleUpgrade(req, socket, head));
    const { port } = http.address() as AddressInfo;
    this.url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}/apis/proxies.clusternet.io/v1alpha1/sockets/a-cluster`;
  }

  static async create(options: Partial<TunnelServerOptions> & { authority?: CertificateAuthority } = {}): Promise<TunnelBed> {
    const { authority, ...rest } = options;
    const http = authority ? createSecureServer(await authority.issue('localhost')) : createServer();
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new TunnelBed(http, authority !== undefined, rest);
  }

  /** The next tunnel that comes up at the server. */
  nextTunnel(): Promise<Tunnel> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  client(options: Partial<TunnelClientOptions> = {}): TunnelClient {
    const client = new TunnelClient({
      url: this.url,
      headers: () => Promise.resolve({}),
      tls: () => Promise.resolve({}),
      backoff: { initialMs: 10, maxMs: 50 },
      ...options,
    });
    this.#closers.push(() => client.close());
    return client;
  }

  /** A tunnel that is up: its server's end, its client's end, and the client. */
  async connect(
    options: Partial<TunnelClientOptions> = {},
  ): Promise<{ atServer: Tunnel; atClient: Tunnel; client: TunnelClient }> {
    const arrived = this.nextTunnel();
    const { promise, resolve } = Promise.withResolvers<Tunnel>();
    const client = this.client({
      ...options,
      onChange: (state) => {
        options.onChange?.(state);
        if (state.tunnel) resolve(state.tunnel);
      },
    });
    client.start();
    return { atServer: await arrived, atClient: await promise, client };
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()));
    await this.server.close();
    this.http.closeAllConnections();
    this.http.close();
  }
}
