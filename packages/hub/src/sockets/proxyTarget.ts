// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedClusterStatus } from '@clusternet/api-types';
import { memo, StatusError } from '@clusternet/apiserver';

/** What the agent is asked to dial; the contract between both ends of the tunnel. */
export type StreamTarget = { to: 'direct' } | { to: 'tcp'; host: string; port: number };

/** Where a proxied request goes. */
export interface ProxyTarget {
  stream: StreamTarget;
  /** Whether TLS is spoken. */
  secure: boolean;
  /** Value of the Host header. */
  host: string;
  /** Name to which the certificate must belong. */
  serverName: string;
  /** CA bundle, PEM; undefined for the system's. */
  caPem?: string;
  /** Escaped as it came, with its leading slash, without the query. */
  path: string;
}

const defaultPorts: Record<string, number> = { http: 80, https: 443 };
const hostPattern = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9](?:[-a-z0-9._]{0,251}[a-z0-9])?\.?))(?::(\d{1,5}))?$/i;

/**
 * Reads what follows `sockets/ID/proxy`: `/direct[/path]`, or `/SCHEME/HOST[:PORT][/path]` as seen from the agent.
 *
 * @param suffix - escaped as it came; its escapes and double slashes reach the target unchanged
 * @throws StatusError 400 for another form, 503 while the agent has not reported its API server, 500 when what it reported is not a URL
 */
export function proxyTarget(suffix: string, status: ManagedClusterStatus | undefined): ProxyTarget {
  const [, first = '', ...rest] = suffix.split('/');
  if (first === 'direct') return direct(rest, status);
  if (!Object.hasOwn(defaultPorts, first)) {
    throw new StatusError(400, 'after proxy/ comes direct, or http/HOST or https/HOST with the host as seen from the cluster');
  }
  const [authority = '', ...path] = rest;
  const { host, port } = parseAuthority(authority, first);
  return {
    stream: { to: 'tcp', host, port },
    secure: first === 'https',
    host: authority,
    serverName: host,
    ...trust(status),
    path: `/${path.join('/')}`,
  };
}

/** What an agent reports is read once, however many requests there are; informers never change an object that they gave out. */
const reported = new WeakMap<ManagedClusterStatus, Omit<ProxyTarget, 'path'> & { basePath: string }>();

function direct(path: string[], status: ManagedClusterStatus | undefined): ProxyTarget {
  let found = status && reported.get(status);
  if (!found) {
    found = readReported(status);
    if (status) reported.set(status, found);
  }
  const { basePath, ...target } = found;
  return { ...target, path: `${basePath}/${path.join('/')}` };
}

function readReported(status: ManagedClusterStatus | undefined): Omit<ProxyTarget, 'path'> & { basePath: string } {
  const text = status?.apiserverURL?.trim() ?? '';
  if (text === '') {
    throw new StatusError(503, 'the agent of the cluster has not reported its API server yet; try again', {
      retryAfterSeconds: 5,
    });
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !Object.hasOwn(defaultPorts, url.protocol.slice(0, -1)) || url.username !== '' || url.password !== '') {
    throw new StatusError(500, 'the apiserverURL that the agent of the cluster reports is not a URL of http or https');
  }
  return {
    stream: { to: 'direct' },
    secure: url.protocol === 'https:',
    host: url.host,
    serverName: status?.apiserverTLSServerName || unbracketed(url.hostname),
    ...trust(status),
    basePath: url.pathname.replace(/\/+$/, ''),
  };
}

function trust(status: ManagedClusterStatus | undefined): { caPem?: string } {
  const bundle = status?.apiserverCABundle;
  return bundle ? { caPem: decodeBundle(bundle) } : {};
}

const decodeBundle = memo((bundle) => Buffer.from(bundle, 'base64').toString('utf8'));

function parseAuthority(authority: string, scheme: string): { host: string; port: number } {
  const match = hostPattern.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPorts[scheme] : Number(match[3]);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) {
    throw new StatusError(400, 'what follows the scheme is not a host, or a host and a port');
  }
  return { host, port };
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
