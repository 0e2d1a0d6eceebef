// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { KubeConfig } from '@kubernetes/client-node';
import { type Dispatcher } from 'undici';
import { ConnectionManager } from './connections.ts';
import { type Credentials, type CredentialSource, type HeaderValues } from './credentials.ts';
import { KubeConfigCredentials } from './kubeConfigCredentials.ts';

/** A KubeConfig made from another. It keeps connections open; close it when done with it, which the process need not wait for. */
export interface DerivedKubeConfig extends KubeConfig, AsyncDisposable {
  close(): Promise<void>;
}

/** In what a derived KubeConfig differs. */
export interface Derivation {
  /** Appended to the server's address. */
  pathBelow?: string;
  /** Put on each request. */
  headers?: HeaderValues;
  /** Applied to the path of each request, its query included; `basePath` is the path of the server's address. */
  rewrite?: (path: string, basePath: string) => string;
}

type AuthenticatedRequest = Parameters<KubeConfig['applySecurityAuthentication']>[0];

interface Origin {
  source: CredentialSource;
  rewrites: boolean;
}

const origins = new WeakMap<KubeConfig, Origin>();

/** Milliseconds of silence after which client-node's calls end; its watches have a limit of their own. */
const silenceMs = 300_000;

/**
 * A KubeConfig for the current context of `config`, whose requests are changed on their way. Whatever client-node is given it for (generated
 * APIs, informers, watches, logs) goes over shared, kept-alive connections. The context is that of now: choosing another one later has no effect.
 */
export function deriveKubeConfig(config: KubeConfig, o: Derivation): DerivedKubeConfig {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig has no current context with a cluster: choose one');
  const server = cluster.server.replace(/\/+$/, '') + (o.pathBelow ?? '');
  const { origin, pathname } = new URL(server);
  const basePath = pathname.replace(/\/+$/, '');
  const source = new WithHeaders(credentialsOf(config), o.headers ?? {});
  const connections = new ConnectionManager(origin);
  const dispatchers = new WeakMap<Credentials, Dispatcher>();

  const dispatcherFor = (credentials: Credentials): Dispatcher => {
    const known = dispatchers.get(credentials);
    if (known) return known;
    const { requests, watches } = connections.get(credentials.tls);
    const dispatcher = requests.compose(() => (options, handler) => {
      const path = o.rewrite?.(options.path, basePath) ?? options.path;
      const isStream = /[?&](?:watch|follow)=(?:true|1)(?:&|$)/.test(path);
      const changed = {
        ...options,
        path,
        headers: { ...(options.headers as Record<string, string>), ...credentials.headers },
        headersTimeout: silenceMs,
        ...(!isStream && { bodyTimeout: silenceMs }),
      };
      return (isStream ? watches : requests).dispatch(changed, handler);
    });
    dispatchers.set(credentials, dispatcher);
    return dispatcher;
  };

  const derived = Object.assign(Object.create(Object.getPrototypeOf(config) as object) as DerivedKubeConfig, config, {
    clusters: config.clusters.map((c) => (c.name === cluster.name ? { ...c, server } : c)),
    applySecurityAuthentication: async (request: AuthenticatedRequest): Promise<void> => {
      request.setDispatcher(dispatcherFor(await source.current()));
    },
    // What WebSockets are opened with.
    applyToHTTPSOptions: async (options: Parameters<KubeConfig['applyToHTTPSOptions']>[0]): Promise<void> => {
      await config.applyToHTTPSOptions(options);
      options.headers = { ...options.headers, ...o.headers };
    },
    close: () => connections.destroy(new Error('the KubeConfig is closed')),
    [Symbol.asyncDispose]: () => connections.destroy(new Error('the KubeConfig is closed')),
  });
  origins.set(derived, { source, rewrites: o.rewrite !== undefined });
  return derived;
}

/**
 * Where the credentials of a KubeConfig's current context come from, derived or not.
 *
 * @throws TypeError for one whose paths are rewritten, when `forOwnClient` is set: our client does not do that
 */
export function credentialsOf(config: KubeConfig, o: { forOwnClient?: boolean } = {}): CredentialSource {
  const origin = origins.get(config);
  if (origin?.rewrites && o.forOwnClient) {
    throw new TypeError('a KubeConfig for shadow objects is for the classes of client-node; give the one it was made from');
  }
  return origin?.source ?? new KubeConfigCredentials({ load: () => Promise.resolve({ config, files: [] }) });
}

/** The credentials of another source, with headers added. */
class WithHeaders implements CredentialSource {
  readonly #source: CredentialSource;
  readonly #headers: HeaderValues;
  #last: { from: Credentials; made: Credentials } | undefined;

  constructor(source: CredentialSource, headers: HeaderValues) {
    this.#source = source;
    this.#headers = headers;
  }

  async current(): Promise<Credentials> {
    const from = await this.#source.current();
    if (this.#last?.from !== from) {
      this.#last = { from, made: { tls: from.tls, headers: { ...from.headers, ...this.#headers } } };
    }
    return this.#last.made;
  }

  refresh(rejected: Credentials): Promise<boolean> {
    return this.#source.refresh(this.#last?.made === rejected ? this.#last.from : rejected);
  }
}
