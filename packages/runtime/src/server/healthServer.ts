// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { type KubeClient } from '@clusternet/client';
import { type Logger } from '../logging/logger.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { DelegatedAuth } from './delegatedAuth.ts';
import { type Health } from './health.ts';
import { healthRoutes } from './healthRoutes.ts';
import { ServingCertificate } from './servingCertificate.ts';

/** Options of {@link HealthServer.start}. */
export interface HealthServerOptions {
  health: Health;
  metrics: Metrics;
  /** Of the cluster that decides who may read the metrics. */
  client: KubeClient;
  logger: Logger;
  port: number;
  address: string;
  certFile?: string;
  keyFile?: string;
}

/** The HTTPS server for probes and scrapers. */
export class HealthServer {
  readonly #server: Server;
  readonly #certificate: ServingCertificate;

  private constructor(server: Server, certificate: ServingCertificate) {
    this.#server = server;
    this.#certificate = certificate;
  }

  /** @throws an Error that says which address is taken or which file does not fit */
  static async start(options: HealthServerOptions): Promise<HealthServer> {
    const { health, metrics, client, logger, port, address, certFile, keyFile } = options;
    const certificate = await ServingCertificate.load({ certFile, keyFile, logger });
    const routes = healthRoutes({ health, metrics, auth: new DelegatedAuth(client), logger });
    const server = createServer(
      {
        ...certificate.current,
        minVersion: 'TLSv1.2',
        // Probes and scrapes are small and quick; whoever is slower holds a connection for nothing.
        handshakeTimeout: 5_000,
        headersTimeout: 5_000,
        requestTimeout: 10_000,
        keepAliveTimeout: 60_000,
        maxHeaderSize: 16 * 1024,
      },
      (request, response) => void routes(request, response),
    );
    server.maxConnections = 256;
    server.setTimeout(30_000);
    try {
      server.listen(port, address);
      await once(server, 'listening');
    } catch (error) {
      certificate.close();
      throw new Error(`cannot listen on ${address}:${port} for health and metrics; choose another --secure-port`, {
        cause: error,
      });
    }
    // A connection that breaks is the client's affair; without a listener it would end the process.
    server.on('tlsClientError', (error) => logger.debug('a TLS handshake with the health server failed', { error }));
    server.on('error', (error) => logger.warn('the health server had an error', { error }));
    certificate.follow((pair) => server.setSecureContext(pair));
    return new HealthServer(server, certificate);
  }

  /** The port it listens on, chosen by the system where 0 was asked for. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#certificate.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
