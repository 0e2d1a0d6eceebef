// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { request as httpsRequest, type RequestOptions } from 'node:https';
import { type IncomingHttpHeaders } from 'node:http';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { ConnectionError } from '@clusternet/client';
import { Health, Metrics, silentLogger } from '@clusternet/runtime';
import { CertificateAuthority } from '@clusternet/pki';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../apiServer.ts';
import { apiServerConfig, type ApiServerConfig } from '../config.ts';
import { type ApiResource } from '../discovery/apiResource.ts';
import { type GroupVersionHandlers } from '../registry.ts';
import { StatusError } from '../request/statusError.ts';
import { FakeCluster } from './fakeCluster.ts';

/** What a server answered. */
export interface Answer {
  code: number;
  headers: IncomingHttpHeaders;
  body: string;
  json: () => Record<string, unknown>;
}

/** Resources of the group that test servers serve. */
export const testResources: ApiResource[] = [
  {
    name: 'sockets',
    singularName: 'socket',
    kind: 'Socket',
    namespaced: false,
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    shortNames: ['ss'],
    categories: ['clusternet'],
    subresources: [{ name: 'proxy', kind: 'Socket', verbs: ['get', 'create'], anyMethod: true }],
  },
  { name: 'things', singularName: 'thing', kind: 'Thing', namespaced: true, verbs: ['get', 'list'] },
];

/** Group and version that test servers serve. */
export const testGroup = { group: 'proxies.example.io', version: 'v1alpha1' };
export const prefix = '/apis/proxies.example.io/v1alpha1';

/** An express router as the handler of the group. */
export function routed(router: express.Router): GroupVersionHandlers['handler'] {
  return (request, response) =>
    new Promise((resolve, reject) => {
      response.on('close', resolve);
      const app = express();
      app.use(prefix, router);
      app.use((error: Error, _request: express.Request, _response: express.Response, _next: express.NextFunction) =>
        reject(error),
      );
      app(request, response);
    });
}

/** Tells what it was given. */
export function echo(): GroupVersionHandlers['handler'] {
  const router = express.Router();
  router.get('/sockets/refused', () => {
    throw new StatusError(409, 'not now', { retryAfterSeconds: 7, details: { name: 'refused' } });
  });
  router.get('/sockets/broken', async () => {
    throw new Error('the password is sesame');
  });
  router.use(async (request, response) => {
    const { user, info, rawPath, rawQuery, secretExtras } = request.kube;
    const { url, headers, rawHeaders, headersDistinct } = request;
    response.json({ user, info, rawPath, rawQuery, secretExtras, url, headers, rawHeaders, headersDistinct });
  });
  return routed(router);
}

/** Options of {@link startServer}. */
export interface TestServerOptions {
  config?: Partial<ApiServerConfig>;
  options?: Partial<ApiServerOptions>;
  handlers?: Partial<GroupVersionHandlers>;
  cluster?: FakeCluster;
  /** Data of the ConfigMap, added to what names the front proxy's authority. */
  authentication?: Record<string, string>;
}

const closers: (() => Promise<unknown> | void)[] = [];

/** Ends what the tests have started. */
export async function closeServers(): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close();
}

/** A server on a port of its own, with an authority of the front proxy and one of clients. */
export async function startServer(o: TestServerOptions = {}) {
  const cluster = o.cluster ?? new FakeCluster();
  const frontProxyCa = await CertificateAuthority.create('front-proxy-ca');
  const clientCa = await CertificateAuthority.create('client-ca');
  cluster.setAuthentication({
    'client-ca-file': clientCa.cert,
    'requestheader-client-ca-file': frontProxyCa.cert,
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    ...o.authentication,
  });
  const metrics = new Metrics();
  const health = new Health();
  const server = createApiServer({
    config: { ...apiServerConfig.parse({}), securePort: 0, bindAddress: '127.0.0.1', ...o.config },
    client: cluster.client,
    logger: silentLogger,
    metrics,
    health,
    version: '1.2.3',
    serving: { namespace: 'clusternet-system', service: 'hub', authoritySecret: 'hub-ca', apiServices: [] },
    ...o.options,
  });
  server.handle(testGroup, { resources: testResources, handler: echo(), ...o.handlers });
  await server.listen();
  closers.push(() => server.close());
  while (health.ready().some(({ problem }) => problem !== undefined)) await delay(5);
  const frontProxy = await frontProxyCa.issue({ names: ['front-proxy-client'] });
  const call = (path: string, options: RequestOptions & { body?: string } = {}) => callServer(server, path, options);
  /** As kube-apiserver passes a user's request on. */
  const as = (user: string, path: string, options: RequestOptions & { body?: string } = {}) =>
    call(path, { ...frontProxy, ...options, headers: { 'X-Remote-User': user, ...(options.headers as object) } });
  return { server, cluster, metrics, health, frontProxyCa, clientCa, frontProxy, call, as };
}

function callServer(server: ApiServer, path: string, o: RequestOptions & { body?: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body, ...options } = o;
    const request = httpsRequest(
      { host: '127.0.0.1', port: server.port, path, rejectUnauthorized: false, agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const json = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
          resolve({ code: response.statusCode ?? 0, headers: response.headers, body: text, json });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** What a client throws when the API server cannot be reached. */
export function refused(): ConnectionError {
  return new ConnectionError({ server: 'https://parent', method: 'POST', path: '/', code: 'ECONNREFUSED', sent: false });
}

/** A TLS connection for what no HTTP client would send. */
export async function rawConnection(server: ApiServer, o: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...o });
  closers.push(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends bytes as they are, and gives all that comes back until the server ends the connection. */
export async function exchange(server: ApiServer, text: string, o: ConnectionOptions = {}): Promise<string> {
  const socket = await rawConnection(server, o);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}
