// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster, names, secretKeys } from '@clusternet/api-types';
import { createHash } from 'node:crypto';
import { type Secret } from '../kube/objects.ts';

/** What is needed to reach the API server of a child. */
export interface ChildAccess {
  server: string;
  token: string;
  caPem: string;
  qps?: number;
  burst?: number;
  /** Set when the child is reached through the tunnel that its agent keeps; `server` is then the address as the agent knows it. */
  tunnel?: { clusterId: string; tlsServerName?: string };
}

/** Why a child cannot be reached from here; `reason` is for the condition. */
export interface NoAccess {
  reason: string;
  message: string;
}

/** Reason while the agent has not handed over credentials. */
export const credentialsMissing = 'CredentialsMissing';

/** Puts together how to reach a child, from the Secret its agent keeps in the dedicated namespace and from its report. */
export function childAccess(cluster: ManagedCluster, secret: Secret | undefined): ChildAccess | NoAccess {
  if (!secret) {
    const message = `Secret ${names.childClusterDeployer} is missing in the namespace of the cluster; its agent makes it: see what it logs`;
    return { reason: credentialsMissing, message };
  }
  const tunnel = tunnelOf(cluster);
  const server = (tunnel && cluster.status?.apiserverURL?.trim()) || decode(secret, secretKeys.apiserverUrl).trim();
  const token = decode(secret, secretKeys.token).trim();
  const caPem = decode(secret, secretKeys.caCertificate);
  for (const [key, value] of [
    [secretKeys.apiserverUrl, server],
    [secretKeys.token, token],
    [secretKeys.caCertificate, caPem],
  ] as const) {
    if (value === '') return invalid(`Secret ${names.childClusterDeployer} has no ${key}`);
  }
  if (!isApiServerUrl(server)) {
    return invalid(
      `Secret ${names.childClusterDeployer}: ${secretKeys.apiserverUrl} must be an https URL without user, query or fragment`,
    );
  }
  const { kubeQPS: qps, kubeBurst: burst } = cluster.status ?? {};
  return {
    server,
    token,
    caPem,
    ...(qps && qps > 0 ? { qps } : {}),
    ...(burst && burst > 0 ? { burst } : {}),
    ...(tunnel && { tunnel }),
  };
}

function tunnelOf({ spec, status }: ManagedCluster): ChildAccess['tunnel'] {
  if (!status?.useSocket || !spec?.clusterId) return undefined;
  const { apiserverTLSServerName: tlsServerName } = status;
  return { clusterId: spec.clusterId, ...(tlsServerName ? { tlsServerName } : {}) };
}

/** Changes whenever a new connection is needed. A new token needs none: it is asked for with every request. */
export function fingerprint({ server, caPem, qps, burst, tunnel }: ChildAccess): string {
  return createHash('sha256')
    .update(JSON.stringify([server, caPem, qps, burst, tunnel]))
    .digest('hex');
}

function invalid(message: string): NoAccess {
  return { reason: 'CredentialsUnusable', message };
}

function decode(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
}

// The child chooses this URL: it must not make the hub talk plain HTTP, or send anything but the child's own token.
function isApiServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'https:' && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
