// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { decodeJwt } from 'jose';

const bootstrapSyntax = /^[a-z0-9]{6}\.[a-z0-9]{16}$/;
const jwtSyntax = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What can be said of a token without showing it. */
export interface TokenFacts {
  kind: 'bootstrap token' | 'ServiceAccount token';
  /** Public id of a bootstrap token, by which its Secret is found (`bootstrap-token-<id>`). */
  id?: string;
  issuedAt?: Date;
  expiresAt?: Date;
}

/** Whether the text has the form of a bootstrap token or of a ServiceAccount token. */
export function isRegistrationToken(token: string): boolean {
  return bootstrapSyntax.test(token) || jwtSyntax.test(token);
}

/** Reads the public facts of a token; never checks a signature. */
export function tokenFacts(token: string): TokenFacts {
  if (bootstrapSyntax.test(token)) return { kind: 'bootstrap token', id: token.slice(0, 6) };
  try {
    const { iat, exp } = decodeJwt(token);
    return {
      kind: 'ServiceAccount token',
      ...(iat === undefined ? {} : { issuedAt: new Date(iat * 1000) }),
      ...(exp === undefined ? {} : { expiresAt: new Date(exp * 1000) }),
    };
  } catch {
    return { kind: 'ServiceAccount token' };
  }
}

/** Moment at which a successor should be fetched: half of the token's life. `undefined` for a token that does not expire. */
export function renewalTime(token: string): Date | undefined {
  const { issuedAt, expiresAt } = tokenFacts(token);
  if (!issuedAt || !expiresAt) return undefined;
  return new Date((issuedAt.getTime() + expiresAt.getTime()) / 2);
}
