// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type ChartPackage, packageChart, runHelm } from './packageChart.ts';

/** A chart repository as static servers are: the archives and their index over HTTP, with or without a password. */
export class ChartRepository implements AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, with the status of the answer: `200 /index.yaml`. */
  readonly requests: string[] = [];
  readonly #helm: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #credentials: { username: string; password: string } | undefined;
  #server: Server | undefined;

  private constructor(o: {
    helm: string;
    folder: string;
    server: Server;
    credentials: { username: string; password: string } | undefined;
  }) {
    this.#helm = o.helm;
    this.#folder = o.folder;
    this.#server = o.server;
    this.#credentials = o.credentials;
    this.#port = (o.server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}`;
    o.server.on('request', this.#answer);
  }

  /** Starts one on a free port of loopback. */
  static async start(o: { helm: string; credentials?: { username: string; password: string } }): Promise<ChartRepository> {
    const folder = await mkdtemp(join(tmpdir(), 'localup-charts-'));
    return new ChartRepository({ helm: o.helm, folder, server: await listen(0), credentials: o.credentials });
  }

  /** Publishes charts, besides those that are there. */
  async publish(...charts: ChartPackage[]): Promise<void> {
    for (const chart of charts) await packageChart(this.#helm, chart, this.#folder);
    await runHelm(this.#helm, ['repo', 'index', this.#folder]);
  }

  /** Publishes a chart that is a folder, under the version that it says. */
  async publishFolder(folder: string): Promise<void> {
    await runHelm(this.#helm, ['package', folder, '--destination', this.#folder]);
    await runHelm(this.#helm, ['repo', 'index', this.#folder]);
  }

  /** Stops answering. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Answers again, at the same address. */
  async restart(): Promise<void> {
    if (this.#server) return;
    this.#server = await listen(this.#port);
    this.#server.on('request', this.#answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  readonly #answer: Parameters<typeof createServer>[1] & object = (request, response) => {
    const path = new URL(request.url ?? '/', this.url).pathname;
    const end = (status: number, body?: Buffer): void => {
      this.requests.push(`${status} ${path}`);
      response.writeHead(status, status === 401 ? { 'www-authenticate': 'Basic realm="charts"' } : {}).end(body);
    };
    const { username, password } = this.#credentials ?? {};
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (this.#credentials && request.headers.authorization !== expected) return end(401);
    readFile(join(this.#folder, basename(path))).then(
      (body) => end(200, body),
      () => end(404),
    );
  };
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
