// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { isRegistrationToken, renewalTime, tokenFacts } from './token.ts';
import { fakeJwt } from '../testing/fakeJwt.ts';

describe('isRegistrationToken', () => {
  it.each([
    ['07401b.f395accd246ae52d', true],
    ['aaa.bbb.ccc', true],
    ['x07401b.f395accd246ae52d', false],
    ['07401b.f395accd246ae52d extra', false],
    ['07401b', false],
    ['a.b', false],
    ['', false],
  ])('%s: %s', (token, expected) => {
    expect(isRegistrationToken(token)).toBe(expected);
  });
});

describe('tokenFacts', () => {
  it('names the public id of a bootstrap token and nothing more', () => {
    expect(tokenFacts('07401b.f395accd246ae52d')).toEqual({ kind: 'bootstrap token', id: '07401b' });
  });

  it('reads the life of a ServiceAccount token, from which renewal is due at half', () => {
    const token = fakeJwt({ iat: 1000, exp: 3000 });
    expect(tokenFacts(token)).toEqual({
      kind: 'ServiceAccount token',
      issuedAt: new Date(1_000_000),
      expiresAt: new Date(3_000_000),
    });
    expect(renewalTime(token)).toEqual(new Date(2_000_000));
  });

  it('leaves a token without expiry alone', () => {
    expect(renewalTime(fakeJwt({ iat: 1000 }))).toBeUndefined();
    expect(renewalTime('no.jwt.atall')).toBeUndefined();
  });
});
