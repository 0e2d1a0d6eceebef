// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSecretKey, redact, redacted, redactText } from './redact.ts';

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJl';
const jwe = 'eyJhbGciOiJFQ0RILUVTIn0.a2V5.aXY.Y2lwaGVydGV4dA.dGFn';
const bootstrap = 'abcdef.0123456789abcdef';
const pem = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----';

describe('redactText', () => {
  it.each([jwt, jwe, bootstrap, pem, `Bearer ${'x'.repeat(20)}`, 'https://user:hunter2pass@host/'])('hides %s', (secret) => {
    const text = redactText(`before ${secret} after`);
    expect(text).toContain(redacted);
    expect(text).toMatch(/^before .* after$/s);
    for (const part of ['c2lnbmF0dXJl', 'dGFn', '0123456789abcdef', 'MHcCAQEE', 'xxxxx', 'hunter2pass'])
      expect(text).not.toContain(part);
  });

  it.each([
    'clusternet-system/child-cluster-deployer',
    'apps.clusternet.io/finalizer',
    'system:serviceaccount:clusternet-system:clusternet-agent',
    'https://127.0.0.1:6443/api/v1/namespaces?limit=500',
    '2026-11-21T15:01:48.430Z',
    'the bearer token is not valid',
  ])('leaves %s alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('hides a bootstrap token wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9]{6}\.[a-z0-9]{16}$/),
        fc.constantFrom('"', ' ', ':', '=', '/', ',', "'", '\n'),
        (token, around) => {
          expect(redactText(`x${around}${token}${around}y`)).not.toContain(token);
        },
      ),
    );
  });
});

describe('isSecretKey', () => {
  it.each([
    'token',
    'clusterRegToken',
    'Authorization',
    'set-cookie',
    'password',
    'privateKey',
    'tls.key-data',
    'client-key-data',
    'encryptedToken',
    'keyPem',
  ])('knows %s for a secret', (key) => expect(isSecretKey(key)).toBe(true));

  it.each([
    'key',
    'secretName',
    'tokenFile',
    'tlsPrivateKeyFile',
    'publicKey',
    'secretNamespace',
    'tokenExpirationSeconds',
    'name',
    'monkey',
  ])('knows %s for no secret', (key) => expect(isSecretKey(key)).toBe(false));
});

describe('redact', () => {
  it('goes into nested objects, arrays, maps, errors and their causes', () => {
    const cause = Object.assign(new Error(`refused ${jwt}`), { request: { headers: { authorization: 'Basic xyz' } } });
    const value = {
      list: [{ token: 'abc' }, bootstrap],
      map: new Map([['password', 'abc']]),
      error: new Error(`failed with ${bootstrap}`, { cause }),
      many: new AggregateError([new Error(jwt)], 'several'),
    };
    const text = JSON.stringify(redact(value));
    for (const secret of ['abc"', jwt, bootstrap, 'Basic xyz']) expect(text).not.toContain(secret);
    expect(text).toContain('failed with');
    expect(text).toContain('refused');
  });

  it('empties Kubernetes Secrets', () => {
    const secret = { kind: 'Secret', metadata: { name: 's' }, type: 'Opaque', data: { a: 'Yg==' }, stringData: { a: 'b' } };
    expect(redact(secret)).toEqual({ ...secret, data: redacted, stringData: redacted });
  });

  it('keeps what only names a secret, and switches', () => {
    const value = { secretName: 'parent-cluster', token: undefined, automountServiceAccountToken: false };
    expect(redact(value)).toEqual(value);
  });

  it('survives cycles, depth, binary data and odd values', () => {
    const cycle: Record<string, unknown> = {
      big: 1n,
      fn: () => 1,
      bytes: Buffer.from('abc'),
      date: new Date(0),
      bad: new Date(NaN),
    };
    cycle['self'] = cycle;
    let deep: unknown = 'x';
    for (let level = 0; level < 10_000; level++) deep = { deep };
    const copy = redact({ cycle, deep, long: Array.from({ length: 1000 }, () => 1) }) as { cycle: object; long: unknown[] };
    expect(copy.cycle).toEqual({
      big: '1',
      fn: '[function]',
      bytes: '[3 bytes]',
      date: '1970-01-01T00:00:00.000Z',
      bad: 'invalid date',
      self: '[circular]',
    });
    expect(copy.long).toHaveLength(101);
    expect(() => JSON.stringify(copy)).not.toThrow();
  });

  it('shows one object twice where it stands twice', () => {
    const shared = { a: 1 };
    expect(redact({ x: shared, y: shared })).toEqual({ x: { a: 1 }, y: { a: 1 } });
  });
});
