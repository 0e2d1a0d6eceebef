// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type KubeContext, type KubeRequest, StatusError, type User } from '@clusternet/apiserver';
import { type HeaderList, headerText } from './headers.ts';

/** Who a request is at the child. Never log it. */
export interface ChildIdentity {
  headers: HeaderList;
  /** Client certificate; connections made with it carry nobody else's requests. */
  certificate?: { certPem: string; keyPem: string; hash: string };
}

/** How a caller is presented to the child in its own name. */
export interface Visiting {
  /** Token of the ServiceAccount that may impersonate in the child; undefined when the child does not let itself be visited so. */
  token: string | undefined;
}

const anonymous: ChildIdentity = { headers: [] };
const extraPrefix = 'clusternet-';
const credentialExtras = ['clusternet-token', 'clusternet-certificate', 'clusternet-privatekey'];
const impersonation = /^impersonate-(?:user|group|uid|extra-[!#$&'*+.^_`|~0-9a-z-]+)$/;
/** Named by the headers of existing clients; everybody may have it, so it is nobody. */
const sharedUser = 'clusternet';
const reserved = 'system:';

/**
 * Decides as whom a request goes on: with the child's credential that the caller brought, in a header or in extras of its identity; else in
 * its own name, where the child consents; else as nobody.
 *
 * @throws StatusError 400 for a credential that cannot be used or is given twice, 403 for a name that must not cross
 */
export function childIdentity(request: KubeRequest, visiting: Visiting | undefined): ChildIdentity {
  const { kube, headers } = request;
  const inHeaders = fromHeaders(headers);
  const inExtras = fromExtras(kube);
  if (inHeaders && inExtras)
    throw new StatusError(400, 'the credential for the cluster is given in headers and in extras; give it once');
  const given = inHeaders ?? inExtras;
  if (given) return given;
  const { user } = kube;
  if (visiting?.token === undefined || isNobody(user)) return anonymous;
  return ofOneself(user, visiting.token);
}

function isNobody(user: User): boolean {
  return user.name === 'system:anonymous' || user.name === sharedUser || user.groups.includes('system:unauthenticated');
}

/** In the caller's own name: the child trusts us to say who it is, and its own rules decide what that one may do. */
function ofOneself(user: User, token: string): ChildIdentity {
  if (user.name.startsWith(reserved)) {
    throw new StatusError(
      403,
      `User "${user.name}" belongs to the parent cluster and is somebody else in this one; bring a credential of the cluster (extra clusternet-token or header Clusternet-Authorization)`,
    );
  }
  // Receivers trim what they read, and " system:masters" would arrive as something else than was looked at here.
  if ([user.name, ...user.groups].some((text) => text === '' || text.trim() !== text || hasControls(text))) {
    throw new StatusError(403, 'the name or a group of the user has characters that cannot be passed on to the cluster');
  }
  const headers = ['Authorization', `Bearer ${token}`, 'Impersonate-User', headerText(user.name)];
  for (const group of user.groups) if (!group.startsWith(reserved)) headers.push('Impersonate-Group', headerText(group));
  return { headers };
}

function fromHeaders(headers: KubeRequest['headers']): ChildIdentity | undefined {
  const [authorization, certificate, key] = ['clusternet-authorization', 'clusternet-certificate', 'clusternet-private-key'].map(
    (name) => single(headers[name], name),
  );
  if (authorization === undefined && certificate === undefined && key === undefined) return undefined;
  const token = authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (authorization !== undefined && token === undefined) {
    throw new StatusError(400, 'the header Clusternet-Authorization is not of the form "Bearer TOKEN"');
  }
  return identityOf({ token, certificate, key, further: [] });
}

function fromExtras({ secretExtras, user }: KubeContext): ChildIdentity | undefined {
  const [token, certificate, key] = credentialExtras.map((name) => secretExtras[name]?.[0]);
  const further: HeaderList = [];
  for (const [name, values] of Object.entries(user.extra)) {
    if (!name.startsWith(extraPrefix)) continue;
    const header = name.slice(extraPrefix.length);
    if (!impersonation.test(header)) {
      throw new StatusError(400, `extra ${name} is not passed on: of the extras only credentials and impersonate-* are`);
    }
    for (const value of values) further.push(header, checkedText(value, name));
  }
  if (token === undefined && certificate === undefined && key === undefined) {
    // Whom one acts as says nothing without a credential that allows it; ours must never be lent for it.
    if (further.length > 0)
      throw new StatusError(400, 'extras clusternet-impersonate-* need a credential of the cluster beside them');
    return undefined;
  }
  return identityOf({ token, certificate, key, further });
}

interface Given {
  token: string | undefined;
  /** Base64 of PEM. */
  certificate: string | undefined;
  key: string | undefined;
  further: HeaderList;
}

function identityOf({ token, certificate, key, further }: Given): ChildIdentity {
  const headers: HeaderList = [...further];
  if (token !== undefined) headers.push('Authorization', `Bearer ${checkedToken(token)}`);
  if ((certificate === undefined) !== (key === undefined)) {
    throw new StatusError(400, 'a client certificate for the cluster needs its private key, and the other way round');
  }
  if (certificate === undefined || key === undefined) return { headers };
  return { headers, certificate: keyPair(decodePem(certificate), decodePem(key)) };
}

function keyPair(certPem: string, keyPem: string): ChildIdentity['certificate'] {
  try {
    createSecureContext({ cert: certPem, key: keyPem });
  } catch {
    // The message of OpenSSL may quote from the key.
    throw new StatusError(
      400,
      'the client certificate for the cluster and its private key cannot be read, or do not belong together',
    );
  }
  return { certPem, keyPem, hash: createHash('sha256').update(certPem).update('\0').update(keyPem).digest('hex') };
}

function decodePem(base64: string): string {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(base64)) {
    throw new StatusError(400, 'the client certificate for the cluster or its private key is not base64');
  }
  return Buffer.from(base64, 'base64').toString('utf8');
}

function checkedToken(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new StatusError(400, 'the token for the cluster has characters that tokens do not have');
  return token;
}

function checkedText(value: string, name: string): string {
  if (hasControls(value)) throw new StatusError(400, `extra ${name} has control characters`);
  return headerText(value);
}

function hasControls(text: string): boolean {
  return /[\x00-\x1f\x7f]/.test(text);
}

function single(value: string | string[] | undefined, name: string): string | undefined {
  if (typeof value !== 'object') return value;
  throw new StatusError(400, `header ${name} is given more than once`);
}
