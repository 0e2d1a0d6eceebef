// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient } from '@clusternet/client';
import { type CommonConfig, type Health, type Logger, type Metrics, ServingCertificate, type Clock } from '@clusternet/runtime';
import { Authenticator } from './authn/authenticator.ts';
import { AuthenticationSource } from './authn/authenticationSource.ts';
import { TokenAuthenticator } from './authn/tokenAuthenticator.ts';
import { Authorizer } from './authz/authorizer.ts';
import { type ApiServerConfig } from './config.ts';
import { type GroupVersion } from './discovery/apiResource.ts';
import { Gate } from './gate.ts';
import { HttpServer } from './httpServer.ts';
import { type GroupVersionHandlers, Registry } from './registry.ts';

/** Whom the self-made serving certificate is for, and who is to trust it. */
export interface ServingOptions {
  /** Namespace of Service and Secret. */
  namespace: string;
  /** Service that kube-apiserver reaches us through. */
  service: string;
  /** Secret that keeps the certificate authority of all replicas. */
  authoritySecret: string;
  /** Names of APIServices whose `caBundle` is kept. */
  apiServices: readonly string[];
  /** Further DNS names and addresses of the certificate. */
  hosts?: readonly string[];
}

/** Options of {@link createApiServer}; most come from the context of a service. */
export interface ApiServerOptions {
  config: ApiServerConfig & Pick<CommonConfig, 'securePort' | 'bindAddress' | 'tlsCertFile' | 'tlsPrivateKeyFile'>;
  /** Client of the cluster that authenticates and authorizes. */
  client: KubeClient;
  /** Client for reviews of tokens and access, where a rate limit of its own is wanted; default: `client`. */
  reviewClient?: Pick<KubeClient, 'resource'>;
  logger: Logger;
  metrics: Metrics;
  health: Health;
  /** Of this program. */
  version: string;
  /** Used unless the flags give certificate files. */
  serving: ServingOptions;
  /** Extra keys (lower case) whose values are credentials for a child; see {@link KubeContext.secretExtras}. */
  secretExtraKeys?: readonly string[];
  clock?: Clock;
}

/** An aggregated API server: one HTTPS listener for APIs, discovery, health and metrics. */
export interface ApiServer {
  /** Serves a group and version. Before {@link ApiServer.listen}. */
  handle(of: GroupVersion, handlers: GroupVersionHandlers): void;
  /**
   * Begins to serve; waits for the API server where the certificate authority has to be read.
   *
   * @throws an Error that says which address is taken or which file does not fit
   */
  listen(signal?: AbortSignal): Promise<void>;
  /** The port listened on, chosen by the system where 0 was asked for. */
  readonly port: number;
  /** Not ready at once, then no new connections, then short requests end by themselves, long ones by their signal, and what is left is cut. */
  close(): Promise<void>;
}

/** Extras by which Clusternet's clients bring credentials for a child. */
export const clusternetSecretExtras = ['clusternet-token', 'clusternet-certificate', 'clusternet-privatekey'] as const;

/** Makes an aggregated API server from the parts of a service. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { config, client, reviewClient = client, logger, clock, health } = options;
  const source = new AuthenticationSource({
    client,
    logger,
    clock,
    skipLookup: config.authenticationSkipLookup,
    tolerateLookupFailure: config.authenticationTolerateLookupFailure,
    requestHeaderCaFile: config.requestheaderClientCaFile,
    clientCaFile: config.clientCaFile,
    requestHeaderNames: {
      allowedNames: config.requestheaderAllowedNames,
      usernameHeaders: config.requestheaderUsernameHeaders,
      uidHeaders: config.requestheaderUidHeaders,
      groupHeaders: config.requestheaderGroupHeaders,
      extraPrefixes: config.requestheaderExtraHeadersPrefix,
    },
  });
  const registry = new Registry();
  const gate = new Gate({
    authenticator: new Authenticator({
      config: () => source.current,
      tokens: new TokenAuthenticator({ client: reviewClient, ttlMs: config.authenticationTokenWebhookCacheTtl, clock }),
      secretExtraKeys: options.secretExtraKeys ?? clusternetSecretExtras,
      clock,
    }),
    authorizer: new Authorizer({
      client: reviewClient,
      authorizedTtlMs: config.authorizationWebhookCacheAuthorizedTtl,
      unauthorizedTtlMs: config.authorizationWebhookCacheUnauthorizedTtl,
      alwaysAllowPaths: config.authorizationAlwaysAllowPaths,
      clock,
    }),
    registry,
    limits: {
      short: config.maxRequestsInflight,
      shortPerUser: config.maxRequestsInflightPerUser,
      long: config.maxLongRunningRequests,
      longPerUser: config.maxLongRunningRequestsPerUser,
    },
  });
  const server = new HttpServer({ ...options, gate, registry });
  let removeCheck: (() => void) | undefined;
  let certificate: Certificate | undefined;
  return {
    handle: (of, handlers) => registry.add(of, handlers),
    listen: async (signal) => {
      removeCheck = health.addCheck('authentication', () => source.problem());
      certificate = await loadCertificate(options, signal);
      const pair = certificate;
      const secure = () => ({ ...pair.current, ca: source.current.caPems });
      await source.start(() => server.setSecureContext(secure()));
      await server.listen(secure());
      pair.follow(() => server.setSecureContext(secure()));
    },
    get port() {
      return server.port;
    },
    close: async () => {
      health.stop();
      await server.close();
      certificate?.close();
      await source.close();
      removeCheck?.();
    },
  };
}

interface Certificate {
  readonly current: { cert: string; key: string };
  follow(onChange: () => void): void;
  close(): void;
}

async function loadCertificate(options: ApiServerOptions, signal: AbortSignal | undefined): Promise<Certificate> {
  const { config, client, logger, serving, clock } = options;
  const { tlsCertFile: certFile, tlsPrivateKeyFile: keyFile } = config;
  if (certFile !== undefined || keyFile !== undefined) return ServingCertificate.load({ certFile, keyFile, logger });
  // Loaded when needed only: the certificate library takes longer to load than everything else here.
  const { SelfMadeCertificate } = await import('./certificates/selfMadeCertificate.ts');
  return SelfMadeCertificate.create({ client, logger, signal, clock, ...serving });
}
