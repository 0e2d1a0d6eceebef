// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { calculateJwkThumbprint, importJWK, type JWK } from 'jose';

/** The key that a child made; only its private half, which never leaves the child, opens what is encrypted to it. */
export interface PublicKey {
  jwk: JWK;
  /** RFC 7638, SHA-256, base64url: names the key in the annotation that pins it. */
  thumbprint: string;
}

/** A `spec.publicKey` that cannot be used; the message never quotes the key. */
export class PublicKeyError extends Error {
  override readonly name = 'PublicKeyError';
}

/**
 * Reads `spec.publicKey`.
 *
 * @throws PublicKeyError when it is not the JWK of an EC P-256 public key.
 */
export async function readPublicKey(text: string): Promise<PublicKey> {
  const { kty, crv, x, y, d } = parse(text);
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string') {
    throw new PublicKeyError('spec.publicKey must be the JSON Web Key of an EC key on curve P-256 (kty, crv, x, y)');
  }
  if (d !== undefined)
    throw new PublicKeyError(
      'spec.publicKey holds a private key, which is now exposed: make a new pair and send its public half',
    );
  const jwk: JWK = { kty, crv, x, y };
  try {
    await importJWK(jwk, 'ECDH-ES+A256KW');
  } catch (error) {
    throw new PublicKeyError('spec.publicKey is not a point on curve P-256', { cause: error });
  }
  return { jwk, thumbprint: await calculateJwkThumbprint(jwk, 'sha256') };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // The parser's message quotes the text; the error below says enough.
  }
  throw new PublicKeyError('spec.publicKey is not JSON');
}
