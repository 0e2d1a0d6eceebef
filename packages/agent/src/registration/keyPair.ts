// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { compactDecrypt, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

const algorithm = 'ECDH-ES+A256KW';

/** The agent's own key (EC P-256) as JSON Web Key with its private part. It never leaves the child. */
export type PrivateJwk = JWK & { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string };

/** Makes a key pair to which the hub can encrypt the child's credential. */
export async function createKeyPair(): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(algorithm, { crv: 'P-256', extractable: true });
  return (await exportJWK(privateKey)) as PrivateJwk;
}

/** Text of `spec.publicKey`: only the public part, always in the same order. */
export function publicKeyText({ kty, crv, x, y }: PrivateJwk): string {
  return JSON.stringify({ kty, crv, x, y });
}

/** Whether `spec.publicKey` of a request is the public part of this key. */
export function isOwnPublicKey(text: string, key: PrivateJwk): boolean {
  const other = parseObject(text);
  return other !== undefined && (['kty', 'crv', 'x', 'y'] as const).every((field) => other[field] === key[field]);
}

/** Reads a key as {@link createKeyPair} made it; `undefined` for anything else. */
export function parsePrivateJwk(text: string): PrivateJwk | undefined {
  const jwk = parseObject(text);
  const complete = jwk?.kty === 'EC' && jwk.crv === 'P-256' && ['x', 'y', 'd'].every((field) => typeof jwk[field] === 'string');
  return complete ? (jwk as PrivateJwk) : undefined;
}

/**
 * Opens `status.encryptedToken`.
 *
 * @throws the error of jose when the text was not encrypted to this key.
 */
export async function decryptToken(encrypted: string, key: PrivateJwk): Promise<string> {
  const { plaintext } = await compactDecrypt(encrypted, await importJWK(key, algorithm), {
    keyManagementAlgorithms: [algorithm],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  return new TextDecoder().decode(plaintext);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
