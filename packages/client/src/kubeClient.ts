// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ResourceDefinition } from '@clusternet/api-types';
import type { KubeConfig } from '@kubernetes/client-node';
import { ApiError } from './apiError.ts';
import { type CaSource, type CredentialSource, type HeaderValues, StaticCredentials, type TokenSource } from './credentials.ts';
import { credentialsOf } from './derivedKubeConfig.ts';
import { type Dial } from './dial.ts';
import { KubeConfigCredentials } from './kubeConfigCredentials.ts';
import { loadKubeConfig } from './loadKubeConfig.ts';
import { type HttpAnswer } from './exchange.ts';
import { type Query, resourceOfPath, withQuery } from './paths.ts';
import { type ResourceClient, RestResourceClient } from './resourceClient.ts';
import { RestMapper } from './restMapper.ts';
import { parseRetryAfter } from './retryPolicy.ts';
import { TokenBucket } from './tokenBucket.ts';
import { Transport } from './transport.ts';

/** Options every way of making a client takes. */
export interface ClientOptions {
  /** Requests per second in the long run; no limit if not given. */
  qps?: number;
  /** Requests that may go out at once before `qps` holds them back; `qps` if not given. */
  burst?: number;
  /** How this program names itself to the server. */
  userAgent?: string;
}

/** Options of {@link KubeClient.fromKubeConfig}. */
export interface KubeConfigOptions extends ClientOptions {
  /** A kubeconfig. Without it: `KUBECONFIG`, `~/.kube/config`, then the ServiceAccount of the pod. */
  path?: string;
  /** Context to use instead of the current one. */
  context?: string;
}

/** Options of {@link KubeClient.fromOptions}. */
export interface ServerOptions extends ClientOptions {
  /** Address, such as `https://10.0.0.1:6443`; may have a path. */
  server: string;
  caPem?: CaSource;
  token?: TokenSource;
  certPem?: string;
  keyPem?: string;
  /** Name to verify the server's certificate against, where it differs from the address. */
  tlsServerName?: string;
  insecureSkipTlsVerify?: boolean;
  /** Opens what the kept-alive connections run on, such as a stream of a tunnel, instead of TCP; TLS is spoken inside. */
  connect?: Dial;
}

/** One request, for what {@link ResourceClient} does not cover. */
export interface RequestOptions {
  method: string;
  /** Server path, escaped, without the query. */
  path: string;
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  rawBody?: string;
  /** `application/json` if not given. */
  contentType?: string;
  /** A list is sent as one header for each. */
  headers?: HeaderValues;
  signal?: AbortSignal;
  /** Milliseconds until the request is given up, repetitions included; 30 s if not given, 0 for no limit. */
  timeoutMs?: number;
}

/** What {@link KubeClient.onRequest} is told. `resource` is `pods`, `pods/status` or `none`; no name ever appears in it. */
export interface RequestInfo {
  method: string;
  resource: string;
  code: number | 'error';
  durationMs: number;
}

const defaultTimeoutMs = 30_000;
const defaultUserAgent = 'clusternet-client/0.1';

/**
 * A client of one API server. Keeps its connections open, re-reads rotated credentials, obeys the server's wish to
 * slow down, and repeats what the network lost when that is safe. Close it when done.
 */
export class KubeClient implements AsyncDisposable {
  /** Finds out how a kind is served. */
  readonly mapper: RestMapper;
  /** Address of the server, without a slash at its end. */
  readonly server: string;
  /** Called after each request, for metrics; must not throw. */
  onRequest?: (info: RequestInfo) => void;
  readonly #transport: Transport;
  readonly #caListeners = new Set<() => void>();
  #caPem: string | undefined;

  private constructor(o: { transport: Transport; caPem: string | undefined }) {
    this.#transport = o.transport;
    this.server = o.transport.server;
    this.#caPem = o.caPem;
    o.transport.onTlsReplaced = () => this.#noticeCa();
    this.mapper = new RestMapper({ fetch: (path, accept) => this.request({ method: 'GET', path, headers: { accept } }) });
  }

  /** The CA bundle the server is verified with now; undefined for the system's. */
  get caPem(): string | undefined {
    return this.#caPem;
  }

  /**
   * Has `listener` called when {@link caPem} has become another, until the function returned is called. A new bundle is noticed by the
   * requests that are made: within ten seconds, and at once when the old one no longer verifies the server. It must not throw.
   */
  onCaChange(listener: () => void): () => void {
    this.#caListeners.add(listener);
    return () => void this.#caListeners.delete(listener);
  }

  /** A client of a kubeconfig's cluster. Throws an Error that says which file or entry is wrong. */
  static async fromKubeConfig(o: KubeConfigOptions = {}): Promise<KubeClient> {
    const loaded = await loadKubeConfig(o);
    let first: typeof loaded | undefined = loaded;
    const source = new KubeConfigCredentials({
      load: async () => {
        const ready = first ?? (await loadKubeConfig(o));
        first = undefined;
        return ready;
      },
    });
    const { tls } = await source.current();
    const server = loaded.config.getCurrentCluster()?.server ?? '';
    return new KubeClient({ transport: transportOf(server, source, o), caPem: tls.caPem });
  }

  /** A client of a server whose credentials are at hand. */
  static fromOptions(o: ServerOptions): KubeClient {
    const tls = {
      certPem: o.certPem,
      keyPem: o.keyPem,
      serverName: o.tlsServerName,
      insecureSkipTlsVerify: o.insecureSkipTlsVerify,
    };
    const source = new StaticCredentials(tls, { token: o.token, ca: o.caPem });
    const caPem = typeof o.caPem === 'function' ? o.caPem() : o.caPem;
    return new KubeClient({ transport: transportOf(o.server, source, o, o.connect), caPem });
  }

  /** A client of the current context of a client-node KubeConfig, which may be one that {@link childKubeConfig} made. */
  static async fromClientNode(config: KubeConfig, o: ClientOptions = {}): Promise<KubeClient> {
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('the kubeconfig has no current context with a cluster: choose one');
    const source = credentialsOf(config, { forOwnClient: true });
    const { tls } = await source.current();
    return new KubeClient({ transport: transportOf(cluster.server, source, o), caPem: tls.caPem });
  }

  /** Sends one request and parses the answer. Throws ApiError for a refusal, ConnectionError without an answer. */
  async request<T>(r: RequestOptions): Promise<T> {
    const { status, body, headers } = await this.#send(r);
    if (status < 200 || status > 299) {
      const retryAfterSeconds = parseRetryAfter(headers['retry-after'], Date.now());
      throw ApiError.fromResponse({ status, body, method: r.method, path: r.path, server: this.server, retryAfterSeconds });
    }
    if (body === '') return undefined as T;
    try {
      return JSON.parse(body) as T;
    } catch (cause) {
      throw new ApiError(`${this.server} answered ${r.method} ${r.path} with something that is not JSON: is it an API server?`, {
        status: 502,
        reason: 'InvalidAnswer',
        cause,
      });
    }
  }

  /** Sends one request and returns the answer as text, whatever its status. */
  async text(r: RequestOptions): Promise<{ status: number; body: string }> {
    const { status, body } = await this.#send(r);
    return { status, body };
  }

  /** Sends one request and returns the whole answer, whatever its status; for programs that pass answers on. */
  async answer(r: RequestOptions): Promise<HttpAnswer> {
    return this.#send(r);
  }

  /** Reads and writes objects of one resource. */
  resource<T extends KubeObject>(definition: ResourceDefinition): ResourceClient<T> {
    return new RestResourceClient<T>(this, this.#transport, definition);
  }

  /** Ends everything under way and closes the connections. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #noticeCa(): void {
    const caPem = this.#transport.tls?.caPem;
    if (caPem === this.#caPem) return;
    this.#caPem = caPem;
    for (const listener of [...this.#caListeners]) listener();
  }

  async #send(r: RequestOptions): Promise<HttpAnswer> {
    const started = performance.now();
    let code: number | 'error' = 'error';
    try {
      const answer = await this.#transport.send({
        method: r.method,
        path: withQuery(r.path, r.query),
        headers: requestHeaders(r),
        body: r.rawBody ?? (r.body === undefined ? undefined : JSON.stringify(r.body)),
        signal: r.signal,
        timeoutMs: r.timeoutMs ?? defaultTimeoutMs,
      });
      code = answer.status;
      return answer;
    } finally {
      this.onRequest?.({ method: r.method, resource: resourceOfPath(r.path), code, durationMs: performance.now() - started });
    }
  }
}

function transportOf(server: string, source: CredentialSource, o: ClientOptions, dial?: Dial): Transport {
  const bucket = o.qps === undefined ? undefined : new TokenBucket({ qps: o.qps, burst: o.burst });
  return new Transport({ server, source, bucket, userAgent: o.userAgent ?? defaultUserAgent, dial });
}

function requestHeaders(r: RequestOptions): HeaderValues {
  const headers: HeaderValues = {};
  // API servers compress only what is large (128 KiB and more).
  if (r.method === 'GET') headers['accept-encoding'] = 'gzip';
  if (r.body !== undefined || r.rawBody !== undefined) headers['content-type'] = r.contentType ?? 'application/json';
  return r.headers ? Object.assign(headers, lowerCased(r.headers)) : headers;
}

function lowerCased(headers: HeaderValues): HeaderValues {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
