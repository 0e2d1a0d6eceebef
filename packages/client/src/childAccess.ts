// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, resources } from '@clusternet/api-types';

/** A credential of a child, used there instead of one's own name. Never log it. */
export interface ChildCredentials {
  token?: string;
  certPem?: string;
  keyPem?: string;
}

/**
 * Path in the parent below which a child's whole API is served.
 *
 * @throws TypeError for what cannot be a cluster id
 */
export function childPath(clusterId: string): string {
  if (!/^[0-9A-Za-z][-0-9A-Za-z.]*$/.test(clusterId)) throw new TypeError(`"${clusterId}" is not a cluster id`);
  return `/apis/${apiVersionOf(resources.sockets)}/${resources.sockets.resource}/${clusterId}/proxy/direct`;
}

/**
 * The headers that carry a child's credential past the parent. Unlike impersonation extras, which existing clients use, they do not reach
 * the parent's audit log.
 *
 * @throws TypeError for half of a key pair
 */
export function childCredentialHeaders(o: ChildCredentials): Record<string, string> {
  if ((o.certPem === undefined) !== (o.keyPem === undefined)) {
    throw new TypeError('a client certificate of a child needs its private key, and the other way round');
  }
  return {
    ...(o.token !== undefined && { 'clusternet-authorization': `Bearer ${o.token}` }),
    ...(o.certPem !== undefined && { 'clusternet-certificate': Buffer.from(o.certPem).toString('base64') }),
    ...(o.keyPem !== undefined && { 'clusternet-private-key': Buffer.from(o.keyPem).toString('base64') }),
  };
}
