// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ClusterRegistrationRequest } from '@clusternet/api-types';
import { ApiError } from '@clusternet/client';
import { type ConnectParent, type ParentConnection } from '../registration/parentApi.ts';
import { encryptTo } from './encryptTo.ts';

/** A parent in memory: one request, the tokens it accepts, the CA it is verified by, and a hub that tests play by hand. */
export class FakeParent {
  request: ClusterRegistrationRequest | undefined;
  /** CA that clients must trust; `undefined` for one that the system knows. */
  ca: string | undefined = 'CA';
  registrationTokens = new Set(['07401b.f395accd246ae52d']);
  dedicatedTokens = new Set<string>();
  /** Thrown by every request instead of an answer. */
  outage: Error | undefined;
  /** What was asked, in order. */
  readonly log: string[] = [];
  /** Runs before each answer. */
  beforeRequest: () => void = () => undefined;
  /** Runs after each answer, to let the hub act. */
  afterRequest: () => Promise<void> | void = () => undefined;
  readonly connections: ParentConnection[] = [];

  readonly connect: ConnectParent = (connection) => {
    this.connections.push(connection);
    const ask = async <T>(verb: string, allowed: { registration: boolean }, answer: () => T): Promise<T> => {
      this.log.push(verb);
      this.beforeRequest();
      if (this.outage !== undefined) throw this.outage;
      if (!connection.insecure && connection.caPem !== this.ca) throw tlsError('SELF_SIGNED_CERT_IN_CHAIN');
      const isRegistration = this.registrationTokens.has(connection.token);
      if (!isRegistration && !this.dedicatedTokens.has(connection.token)) throw new ApiError('Unauthorized', { status: 401 });
      if (isRegistration && !allowed.registration) throw new ApiError('forbidden', { status: 403 });
      const result = structuredClone(answer());
      await this.afterRequest();
      return result;
    };
    return {
      get: () => ask('GET', { registration: true }, () => this.request),
      create: (request) =>
        ask('POST', { registration: true }, () => {
          if (this.request) throw new ApiError('exists', { status: 409, reason: 'AlreadyExists' });
          this.request = structuredClone(request);
          return this.request;
        }),
      patch: (_name, patch) =>
        ask('PATCH', { registration: false }, () => {
          const { spec } = patch as { spec: Record<string, unknown> };
          if (!this.request) throw new ApiError('gone', { status: 404 });
          this.request.spec = { ...this.request.spec, ...spec };
          return this.request;
        }),
      close: () => Promise.resolve(),
    };
  };

  /** The hub approves and hands out a token that the parent accepts from now on. */
  async approve(token: string, caPem = this.ca): Promise<void> {
    if (!this.request) throw new Error('there is no request to approve');
    this.dedicatedTokens.add(token);
    this.request.status = {
      result: 'Approved',
      dedicatedNamespace: 'clusternet-abcde',
      managedClusterName: this.request.spec?.clusterName,
      encryptedToken: await encryptTo(this.request.spec?.publicKey ?? '', token),
      ...(caPem === undefined ? {} : { caCertificate: Buffer.from(caPem).toString('base64') }),
    };
  }
}

/** An error as the client throws it when TLS fails. */
export function tlsError(code: string): Error {
  return new Error('TLS failed', { cause: Object.assign(new Error(code), { code }) });
}
