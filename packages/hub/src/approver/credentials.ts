// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ClusterRegistrationRequest } from '@clusternet/api-types';
import { CompactEncrypt, decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import { type PublicKey } from './publicKey.ts';

/** What a child needs to reach its namespace: the fields of a request's status that hand it out. */
export interface Credential {
  encryptedToken?: string;
  /** In clear, base64; only for agents without a key. */
  token?: string;
  /** RFC 3339. */
  expirationTimestamp: string;
}

/** Where a credential stands; all of it can be read without the child's key. */
export interface CredentialFacts {
  /** Thumbprint of the key it is encrypted to; `undefined` for one in clear. */
  thumbprint?: string;
  /** UID of the ServiceAccount it belongs to. */
  serviceAccountUid?: string;
  issuedAt: Date;
}

const algorithm = 'ECDH-ES+A256KW';

/**
 * Wraps a ServiceAccount token for one child. The header, which is authenticated but not secret, tells later passes
 * what the token is for, so that no other place has to remember it.
 */
export async function sealToken(
  token: string,
  o: { key?: PublicKey; expirationTimestamp: string; serviceAccountUid: string; now: Date },
): Promise<Credential> {
  const { expirationTimestamp } = o;
  if (!o.key) return { token: Buffer.from(token).toString('base64'), expirationTimestamp };
  const facts = factsOfToken(token);
  const encryptedToken = await new CompactEncrypt(new TextEncoder().encode(token))
    .setProtectedHeader({
      alg: algorithm,
      enc: 'A256GCM',
      kid: o.key.thumbprint,
      sub: facts?.serviceAccountUid ?? o.serviceAccountUid,
      iat: Math.floor((facts?.issuedAt ?? o.now).getTime() / 1000),
    })
    .encrypt(await importJWK(o.key.jwk, algorithm));
  return { encryptedToken, expirationTimestamp };
}

/** Reads what the credential in a request's status is for; `undefined` when there is none or it is unreadable. */
export function factsOf(status: ClusterRegistrationRequest['status']): CredentialFacts | undefined {
  if (status?.encryptedToken) return factsOfSealed(status.encryptedToken);
  return status?.token ? factsOfToken(Buffer.from(status.token, 'base64').toString()) : undefined;
}

/**
 * When a new credential is due: at half of the life of the present one, at once when there is none or it does not
 * work (any more) for this key and this ServiceAccount.
 */
export function renewalTime(
  status: ClusterRegistrationRequest['status'],
  wanted: { thumbprint?: string; serviceAccountUid: string },
): Date {
  const facts = factsOf(status);
  const expires = Date.parse(status?.expirationTimestamp ?? '');
  if (!facts || Number.isNaN(expires)) return new Date(0);
  if (facts.thumbprint !== wanted.thumbprint || facts.serviceAccountUid !== wanted.serviceAccountUid) return new Date(0);
  const issued = facts.issuedAt.getTime();
  return new Date(issued + Math.max(0, expires - issued) / 2);
}

function factsOfSealed(sealed: string): CredentialFacts | undefined {
  try {
    const { kid, sub, iat } = decodeProtectedHeader(sealed) as { kid?: string; sub?: string; iat?: number };
    return { thumbprint: kid, serviceAccountUid: sub, issuedAt: new Date((iat ?? 0) * 1000) };
  } catch {
    // Written by something else: a new credential replaces it.
    return undefined;
  }
}

function factsOfToken(token: string): CredentialFacts | undefined {
  try {
    const claims = decodeJwt<{ 'kubernetes.io'?: { serviceaccount?: { uid?: string } } }>(token);
    const { iat, 'kubernetes.io': kubernetes } = claims;
    return iat === undefined ? undefined : { serviceAccountUid: kubernetes?.serviceaccount?.uid, issuedAt: new Date(iat * 1000) };
  } catch {
    // As above; a token of another shape can still be handed out, it is only renewed on every change.
    return undefined;
  }
}
