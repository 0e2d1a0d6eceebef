// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { CompactEncrypt, importJWK, type JWK } from 'jose';

/** Encrypts a token to a public key as the hub does. */
export async function encryptTo(publicKey: string, text: string): Promise<string> {
  const key = await importJWK(JSON.parse(publicKey) as JWK, 'ECDH-ES+A256KW');
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM' })
    .encrypt(key);
}
