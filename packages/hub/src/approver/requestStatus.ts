// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ClusterRegistrationRequest } from '@clusternet/api-types';

type Status = NonNullable<ClusterRegistrationRequest['status']>;

/** All fields of a request's status that the hub answers for. */
export type RequestStatus = Pick<
  Status,
  | 'result'
  | 'errorMessage'
  | 'dedicatedNamespace'
  | 'managedClusterName'
  | 'token'
  | 'encryptedToken'
  | 'expirationTimestamp'
  | 'caCertificate'
>;

const fields = [
  'result',
  'errorMessage',
  'dedicatedNamespace',
  'managedClusterName',
  'token',
  'encryptedToken',
  'expirationTimestamp',
  'caCertificate',
] as const satisfies (keyof RequestStatus)[];

/**
 * The merge patch that turns the status of `request` into `wanted`, or `undefined` when it is like that. Fields that are
 * absent from `wanted` are removed, also a result that a person set: server-side apply would leave that one in place.
 * The resourceVersion makes sure that a verdict of a person that the cache does not show yet is not overwritten.
 */
export function statusPatch(request: ClusterRegistrationRequest, wanted: RequestStatus): unknown {
  const actual: RequestStatus = request.status ?? {};
  const changes: Record<string, unknown> = {};
  for (const field of fields) {
    if (sameValue(field, actual[field], wanted[field])) continue;
    changes[field] = wanted[field] ?? null;
  }
  if (Object.keys(changes).length === 0) return undefined;
  return { metadata: { resourceVersion: request.metadata.resourceVersion }, status: changes };
}

function sameValue(field: keyof RequestStatus, actual: unknown, wanted: unknown): boolean {
  if (field === 'expirationTimestamp' && typeof actual === 'string' && typeof wanted === 'string') {
    return Date.parse(actual) === Date.parse(wanted);
  }
  return (actual ?? undefined) === (wanted ?? undefined);
}
