// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parse } from 'yaml';

/** A kubeconfig of a child that cannot be used. Never quotes what stands in it. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

/** How a child is reached, and as whom. */
export interface ChildAccess {
  server: string;
  caPem?: string;
  tlsServerName?: string;
  token?: string;
  certPem?: string;
  keyPem?: string;
}

interface Named {
  name?: unknown;
}

type Fields = Record<string, unknown>;

/**
 * Reads the current context of a kubeconfig that somebody else wrote: only what is inline. Programs to run, files of this machine, proxies and
 * unverified TLS are refused, as whoever may write the Secret must not get a hold of the hub by it.
 *
 * @throws KubeconfigError that says what is wrong
 */
export function readChildKubeconfig(text: string): ChildAccess {
  let config: unknown;
  try {
    config = parse(text, { maxAliasCount: 0, logLevel: 'error' });
  } catch {
    throw new KubeconfigError('it is not YAML');
  }
  const root = fieldsOf(config, 'it is not a kubeconfig');
  const context = fieldsOf(entry(root, 'contexts', root['current-context'])['context'], 'its current context is empty');
  const cluster = fieldsOf(entry(root, 'clusters', context['cluster'])['cluster'], 'its cluster is empty');
  const user = fieldsOf(entry(root, 'users', context['user'])['user'], 'its user is empty');
  refuse(cluster, ['certificate-authority', 'proxy-url', 'insecure-skip-tls-verify']);
  refuse(user, ['exec', 'auth-provider', 'tokenFile', 'client-certificate', 'client-key', 'username', 'password', 'as']);
  const server = textOf(cluster, 'server') ?? '';
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:') {
    throw new KubeconfigError('the server of its cluster is not an https:// URL');
  }
  const access: ChildAccess = {
    server,
    caPem: pem(cluster, 'certificate-authority-data'),
    tlsServerName: textOf(cluster, 'tls-server-name'),
    token: textOf(user, 'token'),
    certPem: pem(user, 'client-certificate-data'),
    keyPem: pem(user, 'client-key-data'),
  };
  const certificate = access.certPem !== undefined && access.keyPem !== undefined;
  if (!certificate && access.token === undefined) {
    throw new KubeconfigError('its user has neither a token nor a certificate with its key inside');
  }
  return access;
}

function entry(root: Fields, list: string, name: unknown): Fields {
  const all: unknown = root[list];
  const found = Array.isArray(all) ? (all as (Named | null)[]).find((one) => one?.name === name) : undefined;
  if (typeof name !== 'string' || !found) throw new KubeconfigError(`its current context names nothing in ${list}`);
  return found as Fields;
}

function fieldsOf(value: unknown, problem: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new KubeconfigError(problem);
  return value as Fields;
}

function refuse(fields: Fields, names: readonly string[]): void {
  const found = names.find((name) => fields[name] !== undefined && fields[name] !== false && fields[name] !== '');
  if (found !== undefined) throw new KubeconfigError(`it uses ${found}, which is not followed: only what is inline is`);
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function pem(fields: Fields, name: string): string | undefined {
  const value = textOf(fields, name);
  if (value === undefined) return undefined;
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  if (!decoded.includes('-----BEGIN ')) throw new KubeconfigError(`its ${name} is not PEM in base64`);
  return decoded;
}
