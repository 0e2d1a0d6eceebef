// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { ApiError } from '@clusternet/client';
import { classifyFailure, describeSkew, type FailureContext } from './classify.ts';
import { fakeJwt } from '../testing/fakeJwt.ts';

const now = new Date('2026-01-02T12:00:00Z');
const secret = '07401b.f395accd246ae52d';
const context: FailureContext = {
  url: 'https://parent:6443',
  token: secret,
  credential: 'registration',
  acceptedBefore: false,
  now,
  parentNow: now,
};

function networkError(code: string): Error {
  return new Error('request failed', {
    cause: new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) }),
  });
}

function hoursAway(hours: number): Date {
  return new Date(now.getTime() + hours * 3_600_000);
}

describe('classifyFailure', () => {
  it.each([
    ['ECONNREFUSED', 'ParentUnreachable'],
    ['ENOTFOUND', 'ParentUnreachable'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'UnknownAuthority'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UnknownAuthority'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'CertificateNameMismatch'],
    ['CERT_HAS_EXPIRED', 'CertificateExpired'],
    ['CERT_NOT_YET_VALID', 'CertificateNotYetValid'],
  ])('%s is %s', (code, reason) => {
    expect(classifyFailure(networkError(code), context)).toMatchObject({ reason });
  });

  it.each([
    [401, 'TokenRejected'],
    [403, 'Forbidden'],
    [404, 'ParentWithoutClusternet'],
    [422, 'RequestInvalid'],
    [503, 'ParentNotReady'],
    [429, 'ParentNotReady'],
  ])('an answer of %d is %s', (status, reason) => {
    expect(classifyFailure(new ApiError('no', { status }), context)).toMatchObject({ reason });
  });

  it('blames the clock where the clocks disagree about a certificate', () => {
    const fault = classifyFailure(networkError('CERT_NOT_YET_VALID'), { ...context, parentNow: hoursAway(1) });
    expect(fault.reason).toBe('ClockSkew');
    expect(fault.message).toContain('60 min behind the parent');
    expect(classifyFailure(networkError('CERT_HAS_EXPIRED'), { ...context, parentNow: hoursAway(-3) }).message).toContain(
      '3 h 0 min ahead of',
    );
  });

  it('tells a wrong, an expired and a revoked token apart as far as can be known', () => {
    const unauthorized = new ApiError('Unauthorized', { status: 401 });
    expect(classifyFailure(unauthorized, context).message).toContain('bootstrap token 07401b');
    const expiredToken = fakeJwt({ exp: now.getTime() / 1000 - 60 });
    const expiredFault = classifyFailure(unauthorized, { ...context, token: expiredToken });
    expect(expiredFault.reason).toBe('TokenExpired');
    expect(expiredFault.message).toContain('2026-01-02T11:59:00.000Z');
    expect(classifyFailure(unauthorized, { ...context, acceptedBefore: true }).reason).toBe('TokenRevoked');
  });

  it('judges expiry by the clock of the parent', () => {
    const token = fakeJwt({ exp: now.getTime() / 1000 - 60 });
    const fault = classifyFailure(new ApiError('Unauthorized', { status: 401 }), { ...context, token, parentNow: hoursAway(-1) });
    expect(fault.reason).toBe('TokenRejected');
    expect(fault.message).toContain('60 min ahead of');
  });

  it('never shows a token', () => {
    for (const status of [400, 401, 403, 404, 500]) {
      expect(classifyFailure(new ApiError('no', { status }), context).message).not.toContain('f395accd246ae52d');
    }
  });
});

describe('describeSkew', () => {
  it('is silent about what clocks normally differ by', () => {
    expect(describeSkew(now, new Date(now.getTime() + 30_000))).toBeUndefined();
  });
});
