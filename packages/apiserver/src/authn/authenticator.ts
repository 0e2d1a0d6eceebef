// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { type TLSSocket } from 'node:tls';
import { type Clock, systemClock } from '@clusternet/runtime';
import { StatusError } from '../request/statusError.ts';
import { type AuthenticationConfig, type RequestHeaderConfig } from './authenticationConfig.ts';
import { commonName, userOf } from './clientCertificate.ts';
import { Peer } from './peer.ts';
import { headerRoles } from './headerRoles.ts';
import { remoteUser } from './remoteUser.ts';
import { type TokenAuthenticator } from './tokenAuthenticator.ts';
import { anonymous, type User, withAuthenticatedGroup } from './user.ts';

/** Who makes a request, and the credentials for a child that came as extras of the identity. */
export interface Identity {
  user: User;
  /** By extra key, lower case. Never logged, never sent to the parent. */
  secretExtras: Record<string, string[]>;
  /** Whether the front proxy says so, who has authorized the very same request. */
  viaFrontProxy?: boolean;
}

/** Options of {@link Authenticator}. */
export interface AuthenticatorOptions {
  /** What holds now; asked for each request. */
  config: () => AuthenticationConfig;
  tokens: Pick<TokenAuthenticator, 'authenticate'>;
  /** Extra keys, lower case, whose values are credentials. */
  secretExtraKeys: readonly string[];
  clock?: Clock;
}

/**
 * Finds out who makes a request, in the order of Kubernetes: the front proxy's word, the client's own certificate, a bearer token; else
 * it is anonymous.
 *
 * @remarks
 * Headers that name users are believed from a connection whose certificate is the front proxy's, by signature, dates, usage and name.
 * From anybody else they are an attempt to be somebody else, and the request ends there.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #clock: Clock;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Authenticates and takes everything off the request that says who its user is, so that no handler passes it on.
   *
   * @throws StatusError 401 for a credential that is wrong, 400 for impersonation, 503 when the API server could not be asked
   */
  async authenticate(request: IncomingMessage): Promise<Identity> {
    const config = this.#options.config();
    const found = readHeaders(request, config.requestHeader);
    if (found.impersonates) {
      throw new StatusError(400, 'impersonation is the business of kube-apiserver; send the request through it');
    }
    const now = this.#clock.now();
    const peer = Peer.of(request.socket as TLSSocket);
    const remote = userOfFrontProxy({ peer, found, config, now });
    const user = remote ?? (await this.#identify({ peer, found, config, now }));
    return { ...this.#splitSecrets(withAuthenticatedGroup(user)), viaFrontProxy: remote !== undefined };
  }

  async #identify({ peer, found, config, now }: Asked): Promise<User> {
    const leaf = peer.certificate;
    if (leaf && peer.isSignedBy(config.clientRoots, now)) {
      const user = userOf(leaf);
      if (user) return user;
    }
    if (found.token !== undefined) return this.#ofToken(found.token);
    return anonymous();
  }

  async #ofToken(token: string): Promise<User> {
    let user: User | undefined;
    try {
      user = await this.#options.tokens.authenticate(token);
    } catch (cause) {
      throw new StatusError(503, 'the API server cannot be asked whose token this is; try again', {
        retryAfterSeconds: 1,
        cause,
      });
    }
    if (!user) throw unauthorized('the bearer token is not valid');
    return user;
  }

  #splitSecrets(user: User): Identity {
    const extra: Record<string, string[]> = {};
    const secretExtras: Record<string, string[]> = {};
    for (const [key, values] of Object.entries(user.extra)) {
      const target = this.#options.secretExtraKeys.includes(key) ? secretExtras : extra;
      Object.defineProperty(target, key, { value: values, enumerable: true, configurable: true, writable: true });
    }
    return { user: { ...user, extra }, secretExtras };
  }
}

interface FoundHeaders {
  /** All headers as they came. */
  raw: readonly string[];
  /** Whether any of them speaks of a user in another's name. */
  remote: boolean;
  impersonates: boolean;
  token: string | undefined;
}

/** Reads the headers about identity and removes them from the request. */
function readHeaders(request: IncomingMessage, config: RequestHeaderConfig | undefined): FoundHeaders {
  const raw = request.rawHeaders;
  const kept: string[] = [];
  const found: FoundHeaders = { raw, remote: false, impersonates: false, token: undefined };
  // Node builds this view from the raw headers when it is first asked for, and counts on their number.
  const distinct = request.headersDistinct;
  const roles = headerRoles(config);
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [original = '', value = ''] = [raw[at], raw[at + 1]];
    const { name, remote, impersonates, authorization } = roles(original);
    if (authorization) found.token ??= /^Bearer +(\S+) *$/i.exec(value)?.[1];
    if (remote || impersonates || authorization) {
      found.remote ||= remote;
      found.impersonates ||= impersonates;
      delete request.headers[name];
      delete distinct[name];
    } else {
      kept.push(original, value);
    }
  }
  request.rawHeaders = kept;
  return found;
}

/** What is known about who asks. */
interface Asked {
  peer: Peer;
  found: FoundHeaders;
  config: AuthenticationConfig;
  now: Date;
}

/** @throws StatusError 401 when others name a user, or the front proxy does not */
function userOfFrontProxy({ peer, found, config: { requestHeader }, now }: Asked): User | undefined {
  if (requestHeader && isFrontProxy(peer, requestHeader, now)) {
    const user = remoteUser(found.raw, requestHeader);
    if (!user && found.remote) throw unauthorized('the front proxy names no user, or several');
    return user;
  }
  if (found.remote) throw unauthorized('headers that name a user are taken from the front proxy only');
  return undefined;
}

function isFrontProxy(peer: Peer, config: RequestHeaderConfig, now: Date): boolean {
  const leaf = peer.certificate;
  if (!leaf || !peer.isSignedBy(config.roots, now)) return false;
  const name = commonName(leaf);
  return config.allowedNames.length === 0 || (name !== undefined && config.allowedNames.includes(name));
}

function unauthorized(message: string): StatusError {
  return new StatusError(401, message);
}
