// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { createKeyPair, decryptToken, isOwnPublicKey, parsePrivateJwk, publicKeyText } from './keyPair.ts';
import { encryptTo } from '../testing/encryptTo.ts';

describe('the key pair of an agent', () => {
  it('publishes no private part', async () => {
    const key = await createKeyPair();
    expect(Object.keys(JSON.parse(publicKeyText(key)) as object)).toEqual(['kty', 'crv', 'x', 'y']);
  });

  it('opens what was encrypted to its public part', async () => {
    const key = await createKeyPair();
    expect(await decryptToken(await encryptTo(publicKeyText(key), 'a token'), key)).toBe('a token');
  });

  it('does not open what was encrypted to another', async () => {
    const [key, other] = [await createKeyPair(), await createKeyPair()];
    const encrypted = await encryptTo(publicKeyText(other), 'a token');
    await expect(decryptToken(encrypted, key)).rejects.toThrow();
  });

  it('knows its own public part in any order of fields', async () => {
    const [key, other] = [await createKeyPair(), await createKeyPair()];
    const { kty, crv, x, y } = key;
    expect(isOwnPublicKey(JSON.stringify({ y, x, crv, kty, alg: 'ECDH-ES+A256KW' }), key)).toBe(true);
    expect(isOwnPublicKey(publicKeyText(other), key)).toBe(false);
    expect(isOwnPublicKey('not json', key)).toBe(false);
  });

  it('survives storing', async () => {
    const key = await createKeyPair();
    expect(parsePrivateJwk(JSON.stringify(key))).toEqual(key);
    expect(parsePrivateJwk(publicKeyText(key))).toBeUndefined();
    expect(parsePrivateJwk('null')).toBeUndefined();
  });
});
