// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type HeaderValues, readKubeConfig, withHeaders } from '@clusternet/client';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type ParentFlags } from '../arguments.ts';
import { CliError } from '../errors.ts';

type Cluster = KubeConfig['clusters'][number];
type User = KubeConfig['users'][number];

/** The parent that the command line and the kubeconfig choose. */
export interface Parent {
  config: KubeConfig;
  /** Namespace of the context. */
  namespace: string;
  /** Who is acted as in the parent, which `config` puts on each request. */
  impersonation: Impersonation;
}

/** Acting as somebody else. */
export interface Impersonation {
  as?: string;
  asUid?: string;
  asGroups?: string[];
  extra?: Record<string, string[]>;
}

/**
 * Reads the kubeconfig as kubectl does, flags first. Impersonation of groups, uid and extras is taken from it too.
 *
 * @throws CliError when there is no such context, cluster or user, or no cluster at all
 */
export async function selectParent(flags: ParentFlags): Promise<Parent> {
  const { config, files } = await readKubeConfig(flags.kubeconfig);
  const name = flags.context ?? config.getCurrentContext();
  const context = name ? config.contexts.find((c) => c.name === name) : undefined;
  if (!context && flags.context !== undefined) throw new CliError(`context "${flags.context}" does not exist`);
  const clusterName = flags.cluster ?? context?.cluster;
  const userName = flags.user ?? context?.user;
  const cluster = chosenCluster(
    config.clusters.find((c) => c.name === clusterName),
    flags,
  );
  if (flags.user !== undefined && !config.users.some((u) => u.name === flags.user)) {
    throw new CliError(`user "${flags.user}" does not exist`);
  }
  const found = config.users.find((u) => u.name === userName);
  // Only by its authenticators does client-node know how tokens are got; they stay with the object that was read.
  const user = withExecInfo(chosenUser(found, flags), cluster);
  config.loadFromOptions({
    clusters: [cluster],
    users: [user],
    contexts: [{ name: 'parent', cluster: cluster.name, user: user.name, namespace: context?.namespace }],
    currentContext: 'parent',
  });
  const impersonation = impersonationBy(flags, found ? await impersonationOf(files, found.name) : {});
  const headers = headersOf(impersonation);
  const withThem = Object.keys(headers).length > 0 ? withHeaders(config, headers) : config;
  return { config: withThem, namespace: context?.namespace ?? 'default', impersonation };
}

function chosenCluster(found: Cluster | undefined, flags: ParentFlags): Cluster {
  if (!found && flags.cluster !== undefined) throw new CliError(`cluster "${flags.cluster}" does not exist`);
  const server = flags.server ?? found?.server;
  if (!server) {
    throw new CliError(
      'no cluster to talk to: choose a context with "kubectl config use-context", or give --kubeconfig, --context or --server',
    );
  }
  const cluster: { -readonly [K in keyof Cluster]: Cluster[K] } = {
    ...found,
    name: found?.name ?? 'parent',
    server,
    skipTLSVerify: found?.skipTLSVerify ?? false,
  };
  if (flags.tlsServerName !== undefined) cluster.tlsServerName = flags.tlsServerName;
  if (flags.certificateAuthority !== undefined) {
    cluster.caFile = resolve(flags.certificateAuthority);
    delete cluster.caData;
    cluster.skipTLSVerify = false;
  }
  if (flags.insecureSkipTlsVerify !== undefined) cluster.skipTLSVerify = flags.insecureSkipTlsVerify;
  if (flags.insecureSkipTlsVerify) {
    delete cluster.caData;
    delete cluster.caFile;
  }
  // client-node wants to be told so for plain http, where it means nothing.
  if (server.startsWith('http:')) cluster.skipTLSVerify = true;
  return cluster;
}

function chosenUser(found: User | undefined, flags: ParentFlags): User {
  // Impersonation is added later, as a whole.
  const user: { -readonly [K in keyof User]: User[K] } = { ...found, name: found?.name ?? 'user', impersonateUser: undefined };
  if (flags.clientCertificate !== undefined) {
    user.certFile = resolve(flags.clientCertificate);
    delete user.certData;
  }
  if (flags.clientKey !== undefined) {
    user.keyFile = resolve(flags.clientKey);
    delete user.keyData;
  }
  const otherLogin = flags.token !== undefined || flags.username !== undefined;
  if (otherLogin) for (const key of ['token', 'username', 'password', 'exec', 'authProvider'] as const) delete user[key];
  if (flags.token !== undefined) user.token = flags.token;
  if (flags.username !== undefined) Object.assign(user, { username: flags.username, password: flags.password ?? '' });
  return user;
}

/** Environment variable of credential plugins. */
export const execInfoVariable = 'KUBERNETES_EXEC_INFO';

interface ExecPlugin {
  apiVersion?: string;
  env?: { name: string; value: string }[];
  provideClusterInfo?: boolean;
}

/** Some credential plugins ask for what kubectl tells them, and client-node does not. */
function withExecInfo(user: User, cluster: Cluster): User {
  const exec = user.exec as ExecPlugin | undefined;
  if (!exec) return user;
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo && {
        cluster: {
          server: cluster.server,
          'tls-server-name': cluster.tlsServerName,
          'insecure-skip-tls-verify': cluster.skipTLSVerify,
          'certificate-authority-data': cluster.caData,
        },
      }),
    },
  };
  const env = [...(exec.env ?? []), { name: execInfoVariable, value: JSON.stringify(info) }];
  return { ...user, exec: { ...exec, env } };
}

/** What the kubeconfig says of it; client-node reads the name alone. */
async function impersonationOf(files: string[], userName: string): Promise<Impersonation> {
  for (const file of files) {
    const raw = parse(await readFile(file, 'utf8')) as { users?: { name: string; user?: Record<string, unknown> }[] };
    const user = raw.users?.find(({ name }) => name === userName)?.user;
    if (!user) continue;
    return {
      as: user['as'] as string | undefined,
      asUid: user['as-uid'] as string | undefined,
      asGroups: user['as-groups'] as string[] | undefined,
      extra: user['as-user-extra'] as Record<string, string[]> | undefined,
    };
  }
  return {};
}

function impersonationBy(flags: ParentFlags, configured: Impersonation): Impersonation {
  const as = flags.as ?? configured.as;
  const asUid = flags.asUid ?? configured.asUid;
  const asGroups = flags.asGroups.length > 0 ? flags.asGroups : (configured.asGroups ?? []);
  const extra = flags.asUserExtra.length > 0 ? extraOf(flags.asUserExtra) : (configured.extra ?? {});
  if (as) return { as, asUid, asGroups, extra };
  if (asUid || asGroups.length > 0) throw new CliError('a group or uid to impersonate needs a user: give --as too');
  return {};
}

function headersOf({ as, asUid, asGroups = [], extra = {} }: Impersonation): HeaderValues {
  if (!as) return {};
  const headers: HeaderValues = { 'impersonate-user': as };
  if (asUid) headers['impersonate-uid'] = asUid;
  if (asGroups.length > 0) headers['impersonate-group'] = asGroups;
  for (const [key, values] of Object.entries(extra))
    headers[`impersonate-extra-${encodeURIComponent(key.toLowerCase())}`] = values;
  return headers;
}

function extraOf(pairs: string[]): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new CliError(`--as-user-extra ${pair}: write key=value`);
    (extra[pair.slice(0, at)] ??= []).push(pair.slice(at + 1));
  }
  return extra;
}
