// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { ApiError, isAlreadyExists, isConflict, isGone, isInvalid, isNotFound } from './apiError.ts';

const at = { method: 'GET', path: '/api/v1/pods' };

describe('ApiError', () => {
  it('takes message, reason and details from a Status', () => {
    const details = { name: 'a', kind: 'pods', causes: [{ field: 'spec.x', reason: 'FieldValueInvalid', message: 'must be y' }] };
    const body = JSON.stringify({
      kind: 'Status',
      message: 'Pod "a" is invalid: spec.x: must be y',
      reason: 'Invalid',
      code: 422,
      details,
    });
    const error = ApiError.fromResponse({ ...at, status: 422, body });
    expect(error).toMatchObject({ message: 'Pod "a" is invalid: spec.x: must be y', reason: 'Invalid', status: 422, details });
    expect(isInvalid(error)).toBe(true);
    expect(ApiError.is(error, 422)).toBe(true);
  });

  it.each([
    [
      502,
      '<html>\n<h1>Bad gateway</h1>',
      'the server answered 502 (an error) to GET /api/v1/pods: <html> <h1>Bad gateway</h1>',
      'Unknown',
    ],
    [404, '404 page not found\n', 'the server answered 404 (NotFound) to GET /api/v1/pods: 404 page not found', 'NotFound'],
    [401, '', 'the server answered 401 (Unauthorized) to GET /api/v1/pods', 'Unauthorized'],
    [500, '{"kind":"Sta', 'the server answered 500 (InternalError) to GET /api/v1/pods: {"kind":"Sta', 'InternalError'],
  ])('makes sense of a %d that is no Status', (status, body, message, reason) => {
    expect(ApiError.fromResponse({ ...at, status, body })).toMatchObject({ message, reason, status });
  });

  it('tells a kind that is not served from an object that is not there', () => {
    const server = 'https://parent:6443';
    const missing = { ...at, server, status: 404 };
    expect(ApiError.fromResponse({ ...missing, body: '404 page not found\n' }).unserved).toEqual({ server, path: at.path });
    expect(ApiError.fromResponse({ ...missing, body: '{"kind":"Status","reason":"NotFound"}' }).unserved).toBeUndefined();
    expect(ApiError.fromResponse({ ...missing, status: 502, body: 'Bad gateway' }).unserved).toBeUndefined();
  });

  it('cuts a long page short', () => {
    expect(ApiError.fromResponse({ ...at, status: 500, body: 'x'.repeat(100_000) }).message.length).toBeLessThan(400);
  });

  it('tells a conflict from a name that is taken', () => {
    const conflict = ApiError.fromStatus({ code: 409, reason: 'Conflict' });
    const exists = ApiError.fromStatus({ code: 409, reason: 'AlreadyExists' });
    expect([isConflict(conflict), isAlreadyExists(conflict), isConflict(exists), isAlreadyExists(exists)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it('knows an expired resourceVersion by code and by reason', () => {
    expect(isGone(ApiError.fromStatus({ code: 410, reason: 'Expired' }))).toBe(true);
    expect(isGone(ApiError.fromStatus({ code: 410, reason: 'Gone' }))).toBe(true);
    expect(isNotFound(new Error('other'))).toBe(false);
  });

  it('reads the wait from the Status where no header has it', () => {
    expect(ApiError.fromStatus({ code: 429, details: { retryAfterSeconds: 3 } }).retryAfterSeconds).toBe(3);
  });
});
