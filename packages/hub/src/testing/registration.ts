// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, type ClusterRegistrationRequest, resources } from '@clusternet/api-types';
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose';
import { randomUUID } from 'node:crypto';

/** The key pair of an agent: the text it sends, and how it opens what it gets. */
export async function agentKey(): Promise<{ publicKey: string; open: (sealed: string) => Promise<string> }> {
  const pair = await generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' });
  return {
    publicKey: JSON.stringify(await exportJWK(pair.publicKey)),
    open: async (sealed) => new TextDecoder().decode((await compactDecrypt(sealed, pair.privateKey)).plaintext),
  };
}

/** A request as an agent creates it. */
export function requestOf(
  clusterId: string,
  spec: Partial<ClusterRegistrationRequest['spec']> = {},
  status?: ClusterRegistrationRequest['status'],
): ClusterRegistrationRequest {
  return {
    apiVersion: apiVersionOf(resources.clusterRegistrationRequests),
    kind: 'ClusterRegistrationRequest',
    metadata: { name: `clusternet-${clusterId}`, uid: randomUUID() },
    spec: { clusterId, clusterName: 'child1', syncMode: 'Pull', ...spec },
    ...(status ? { status } : {}),
  };
}

/** A token as a real API server signs it, but for the signature. */
export function serviceAccountToken(o: { uid: string; issuedAt: number; lifetimeSeconds: number }): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(o.issuedAt / 1000);
  const claims = { iat, exp: iat + o.lifetimeSeconds, jti: randomUUID(), 'kubernetes.io': { serviceaccount: { uid: o.uid } } };
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2lnbmF0dXJl`;
}
