// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { ApiError, ConnectionError, NoKindError } from '@clusternet/client';
import { toObjectFailure } from './objectError.ts';

const feed = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };
const error = (status: number, message: string, details?: { kind: string; name: string }): ApiError =>
  new ApiError(message, { status, details });

describe('toObjectFailure', () => {
  it.each([
    [error(422, 'Deployment "web" is invalid: spec.selector: field is immutable'), 'ImmutableField'],
    [error(422, "updates to statefulset spec for fields other than 'replicas' are forbidden"), 'ImmutableField'],
    [error(422, 'spec.replicas: must be greater than 0'), 'Invalid'],
    [error(403, 'deployments.apps is forbidden: User "x" cannot patch'), 'Forbidden'],
    [error(403, 'admission webhook "policy.example.org" denied the request'), 'Rejected'],
    [error(400, 'admission webhook "policy.example.org" denied the request: no'), 'Rejected'],
    [error(403, 'unable to create new content in namespace shop because it is being terminated'), 'NamespaceTerminating'],
    [error(404, 'namespaces "shop" not found', { kind: 'namespaces', name: 'shop' }), 'NamespaceNotFound'],
    [error(404, 'the server could not find the requested resource'), 'NoKind'],
    [error(409, 'Apply failed with 1 conflict'), 'Conflict'],
    [error(413, 'request entity too large'), 'TooLarge'],
    [error(500, 'failed calling webhook "x": connection refused'), 'Rejected'],
    [error(429, 'slow down'), 'ServerError'],
    [new NoKindError('example.org/v1', 'Widget'), 'NoKind'],
  ])('%s is %s', (cause, reason) => {
    const failure = toObjectFailure(cause, feed);
    expect(failure).toMatchObject({ reason });
    expect(failure.message).toContain('Deployment shop/web');
    expect(failure.suspect).toBeUndefined();
  });

  it('says what to do about a field that cannot change', () => {
    expect(toObjectFailure(error(422, 'field is immutable'), feed).message).toMatch(/Undo the change.*delete it in the cluster/);
  });

  it.each([
    [error(503, 'unavailable'), 'Unreachable'],
    [error(401, 'Unauthorized'), 'Unauthorized'],
    [new ConnectionError({ server: 's', method: 'GET', path: '/', code: 'ECONNREFUSED', sent: false }), 'Unreachable'],
  ])('suspects the whole cluster after %s', (cause, suspect) => {
    expect(toObjectFailure(cause, feed).suspect).toBe(suspect);
  });

  it('bounds the text', () => {
    expect(toObjectFailure(error(422, 'x'.repeat(10_000)), feed).message.length).toBeLessThanOrEqual(1_000);
  });
});
