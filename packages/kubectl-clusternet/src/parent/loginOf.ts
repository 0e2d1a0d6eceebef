// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { execInfoVariable, type Parent } from './selectParent.ts';

type User = KubeConfig['users'][number];

/** The login to a parent as the `user` and the TLS part of the `cluster` of a kubeconfig that any program can read, wherever it lies. */
export function loginOf({ config, impersonation }: Parent): { user: object; cluster: object } {
  const cluster = config.getCurrentCluster();
  return {
    user: { ...userEntry(config.getCurrentUser()), ...impersonationEntry(impersonation) },
    cluster: defined({
      'certificate-authority': cluster?.caFile && resolve(cluster.caFile),
      'certificate-authority-data': cluster?.caData,
      'tls-server-name': cluster?.tlsServerName,
      'insecure-skip-tls-verify': (cluster?.skipTLSVerify && cluster.server.startsWith('https:')) || undefined,
      'proxy-url': cluster?.proxyUrl,
    }),
  };
}

function userEntry(user: User | null): object {
  if (!user) return {};
  const provider = user.authProvider as { name?: string; config?: { tokenFile?: string } } | undefined;
  const tokenFile = provider?.name === 'tokenFile' ? provider.config?.tokenFile : undefined;
  const exec = user.exec as { env?: { name: string }[] } | undefined;
  return defined({
    token: user.token,
    tokenFile,
    username: user.username,
    password: user.password,
    'client-certificate': user.certFile && resolve(user.certFile),
    'client-certificate-data': user.certData,
    'client-key': user.keyFile && resolve(user.keyFile),
    'client-key-data': user.keyData,
    exec: exec && { ...exec, env: exec.env?.filter(({ name }) => name !== execInfoVariable) },
    'auth-provider': tokenFile === undefined ? provider : undefined,
  });
}

function impersonationEntry({ as, asUid, asGroups, extra }: Parent['impersonation']): object {
  if (!as) return {};
  return defined({
    as,
    'as-uid': asUid,
    'as-groups': asGroups?.length ? asGroups : undefined,
    'as-user-extra': extra && Object.keys(extra).length > 0 ? extra : undefined,
  });
}

function defined(entries: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined && value !== null && value !== ''));
}
