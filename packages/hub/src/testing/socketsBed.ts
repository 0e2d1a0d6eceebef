// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, request as httpsRequest, type RequestOptions, type Server } from 'node:https';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type KubeObject, labels, type ManagedCluster, type ManagedClusterStatus } from '@clusternet/api-types';
import { apiServerConfig, createApiServer } from '@clusternet/apiserver';
import { type KubeClient } from '@clusternet/client';
import { Health, Metrics, silentLogger } from '@clusternet/runtime';
import { type StreamHandler, TunnelClient } from '@clusternet/tunnel';
import { CertificateAuthority, type KeyPairPem } from '@clusternet/pki';
import { ChildConnections } from '../sockets/childConnections.ts';
import { type Clusters } from '../sockets/clusters.ts';
import { SessionGuard } from '../sockets/sessionGuard.ts';
import { SocketRegistry } from '../sockets/socketRegistry.ts';
import { socketsApi } from '../sockets/socketsApi.ts';

/** Id of the one cluster of the bed, and its dedicated namespace. */
export const clusterId = '0a0a0a0a-0000-4000-8000-000000000001';
export const dedicated = 'clusternet-abcde';
export const agentUser = `system:serviceaccount:${dedicated}:${dedicated}`;
export const sockets = '/apis/proxies.clusternet.io/v1alpha1/sockets';
export const proxyPath = `${sockets}/${clusterId}/proxy`;

/** What a server answered. */
export interface Answer {
  code: number;
  headers: IncomingHttpHeaders;
  body: string;
  json: () => Record<string, unknown>;
}

/** What the parent knows, in the hands of a test. */
export class FakeClusters implements Clusters {
  cluster: ManagedCluster | undefined;
  account: KubeObject | undefined = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: dedicated, namespace: dedicated, uid: 'account-1', labels: { [labels.clusterId]: clusterId } },
  };
  token: string | undefined;
  readonly #handlers = new Set<(clusterId: string) => void>();

  constructor(status: ManagedClusterStatus) {
    this.cluster = {
      apiVersion: 'clusters.clusternet.io/v1beta1',
      kind: 'ManagedCluster',
      metadata: { name: 'child', namespace: dedicated, uid: 'cluster-1', labels: { [labels.clusterId]: clusterId } },
      spec: { clusterId, syncMode: 'Push' },
      status,
    };
  }

  find = (id: string): ManagedCluster | undefined => (id === clusterId ? this.cluster : undefined);
  inNamespace = (namespace: string, id: string): ManagedCluster | undefined =>
    namespace === dedicated ? this.find(id) : undefined;
  serviceAccount = (namespace: string, name: string): KubeObject | undefined =>
    namespace === dedicated && name === dedicated ? this.account : undefined;
  visitorToken = (): string | undefined => this.token;
  onChange = (handler: (clusterId: string) => void): (() => void) => {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  };
  changed(): void {
    for (const handler of this.#handlers) handler(clusterId);
  }
}

/** What the child's API server received. */
export interface Received {
  method: string;
  url: string;
  rawHeaders: string[];
  headers: IncomingHttpHeaders;
  body: string;
  connection: Socket;
  clientName: string | undefined;
}

interface Parts {
  frontProxy: KeyPairPem;
  hubCa: string;
  port: number;
}

/** A hub's API server, an agent behind it and the API server of a child, all real and on loopback. */
export class SocketsBed implements AsyncDisposable {
  readonly clusters: FakeClusters;
  readonly metrics: Metrics;
  readonly registry: SocketRegistry;
  readonly connections: ChildConnections;
  readonly received: Received[] = [];
  /** Connections that the agent made. */
  dialled = 0;
  /** Decides about an access review. */
  allow: (spec: { user: string }) => boolean = () => true;
  onRequest: (request: IncomingMessage, response: ServerResponse, body: string) => void = (_request, response) => {
    response.setHeader('Content-Type', 'application/json').end('{"kind":"Ok"}');
  };
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void = (_request, socket) => socket.destroy();
  readonly #closers: (() => Promise<unknown> | void)[] = [];
  readonly child: Server;
  readonly #parts: Parts;

  static async start(o: { maxPerUser?: number; clientCa?: CertificateAuthority; childName?: string } = {}): Promise<SocketsBed> {
    const [hubCa, childCa, frontProxyCa] = await Promise.all(
      ['hub-ca', 'child-ca', 'front-proxy-ca'].map((name) => CertificateAuthority.create(name)),
    );
    if (!hubCa || !childCa || !frontProxyCa) throw new Error('there are no authorities');
    const serving = await childCa.issue(o.childName ?? 'child.example');
    const child = createServer({ ...serving, ca: [o.clientCa?.cert ?? ''], requestCert: true, rejectUnauthorized: false });
    child.listen(0, '127.0.0.1');
    await once(child, 'listening');
    const dir = await mkdtemp(join(tmpdir(), 'sockets-bed-'));
    const pair = await hubCa.issue('localhost');
    const files = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key'), ca: join(dir, 'front-proxy-ca.crt') };
    await Promise.all([writeFile(files.cert, pair.cert), writeFile(files.key, pair.key), writeFile(files.ca, frontProxyCa.cert)]);
    const clusters = new FakeClusters({
      apiserverURL: `https://child.example:6443`,
      apiserverCABundle: Buffer.from(childCa.cert).toString('base64'),
      useSocket: true,
    });
    const metrics = new Metrics();
    const registry = new SocketRegistry({ logger: silentLogger, metrics, tunnel: { drainSpreadMs: 0 } });
    const connections = new ChildConnections({ streams: registry });
    const bed: { allow?: (spec: { user: string }) => boolean } = {};
    const client = {
      resource: () => ({
        create: async ({ spec }: { spec: { user: string } }) => ({ status: { allowed: bed.allow?.(spec) ?? true } }),
      }),
    } as unknown as KubeClient;
    const server = createApiServer({
      config: {
        ...apiServerConfig.parse({}),
        authenticationSkipLookup: true,
        requestheaderClientCaFile: files.ca,
        authorizationWebhookCacheAuthorizedTtl: 0,
        authorizationWebhookCacheUnauthorizedTtl: 0,
        securePort: 0,
        bindAddress: '127.0.0.1',
        tlsCertFile: files.cert,
        tlsPrivateKeyFile: files.key,
      },
      client,
      logger: silentLogger,
      metrics,
      health: new Health(),
      version: '1.2.3',
      serving: { namespace: 'clusternet-system', service: 'hub', authoritySecret: 'hub-ca', apiServices: [] },
    });
    const guard = new SessionGuard({ registry, clusters, client, logger: silentLogger, lookMs: 50 });
    const connected = () =>
      registry.list().map(({ owner, tunnel }) => ({
        clusterId: owner.clusterId,
        connectedAt: tunnel.connectedAt,
        replica: 'me',
        streams: tunnel.streams,
      }));
    const { maxPerUser } = o;
    server.handle(
      { group: 'proxies.clusternet.io', version: 'v1alpha1' },
      socketsApi({ enabled: true, clusters, registry, connections, connected, maxPerUser }),
    );
    await server.listen();
    const made = new SocketsBed({
      clusters,
      metrics,
      registry,
      connections,
      child,
      parts: { frontProxy: await frontProxyCa.issue('front-proxy-client'), port: server.port, hubCa: hubCa.cert },
    });
    bed.allow = (spec) => made.allow(spec);
    made.#closers.push(
      () => rm(dir, { recursive: true, force: true }),
      () => {
        child.closeAllConnections();
        return new Promise((resolve) => child.close(resolve));
      },
      () => server.close(),
      () => registry.close(),
      () => connections.close(),
      () => guard.close(),
    );
    return made;
  }

  private constructor(o: {
    clusters: FakeClusters;
    metrics: Metrics;
    registry: SocketRegistry;
    connections: ChildConnections;
    child: Server;
    parts: Parts;
  }) {
    this.clusters = o.clusters;
    this.metrics = o.metrics;
    this.registry = o.registry;
    this.connections = o.connections;
    this.child = o.child;
    this.#parts = o.parts;
    o.child.on('request', (request: IncomingMessage, response: ServerResponse) => this.#receive(request, response));
    o.child.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#note(request, '');
      this.onUpgrade(request, socket, head);
    });
  }

  get port(): number {
    return this.#parts.port;
  }

  get childPort(): number {
    return (this.child.address() as AddressInfo).port;
  }

  get frontProxy(): KeyPairPem {
    return this.#parts.frontProxy;
  }

  /** An agent, without waiting for its tunnel. */
  agent(o: { path?: string; user?: string; onStream?: StreamHandler } = {}): TunnelClient {
    const { path = `${sockets}/${clusterId}/attach`, user = agentUser } = o;
    const client = new TunnelClient({
      url: `https://127.0.0.1:${this.port}${path}`,
      headers: async () => ({ 'X-Remote-User': user, 'X-Remote-Group': 'system:serviceaccounts' }),
      tls: async () => ({ ...this.frontProxy, ca: this.#parts.hubCa }),
      onStream: o.onStream ?? this.dial,
      backoff: { initialMs: 10, maxMs: 50 },
    });
    this.#closers.push(() => client.close());
    client.start();
    return client;
  }

  /** What agents do when they are asked for the API server of their cluster. */
  readonly dial: StreamHandler = async (target) => {
    const wanted = JSON.parse(target) as { to: string };
    if (wanted.to !== 'direct') throw Object.assign(new Error('policy says no'), { code: 'FORBIDDEN' });
    this.dialled++;
    const socket = connectTcp({ port: this.childPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return socket;
  };

  /** Resolves when the tunnel is up. */
  async connected(): Promise<void> {
    while (!this.registry.get(clusterId)) await delay(2);
  }

  async withAgent(): Promise<this> {
    this.agent();
    await this.connected();
    return this;
  }

  options(user: string, path: string, o: RequestOptions = {}): RequestOptions {
    return {
      host: '127.0.0.1',
      port: this.port,
      ca: this.#parts.hubCa,
      agent: false,
      ...this.frontProxy,
      path,
      ...o,
      headers: { 'X-Remote-User': user, 'X-Remote-Group': ['devs', 'system:authenticated'], ...(o.headers as object) },
    };
  }

  /** A request as kube-apiserver passes it on for a user. */
  as(user: string, path: string, o: RequestOptions & { body?: string | Buffer } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const framed = o.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(o.body) };
      const options = this.options(user, path, { ...o, headers: { ...framed, ...(o.headers as object) } });
      const request = httpsRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          const json = (): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;
          resolve({ code: response.statusCode ?? 0, headers: response.headers, body, json });
        });
      });
      request.on('error', reject);
      request.end(o.body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      this.#note(request, body);
      this.onRequest(request, response, body);
    });
  }

  #note(request: IncomingMessage, body: string): void {
    const { method = '', url = '', rawHeaders, headers, socket } = request;
    const { subject } = (socket as unknown as { getPeerCertificate(): { subject?: { CN: string } } }).getPeerCertificate();
    this.received.push({ method, url, rawHeaders, headers, body, connection: socket, clientName: subject?.CN });
  }
}
