// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { request as httpsRequest } from 'node:https';
import { resources, type ClusterRegistrationRequest } from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';

/** How to reach the parent for one step of the registration. */
export interface ParentConnection {
  url: string;
  token: string;
  /** PEM; `undefined` means the system roots. */
  caPem: string | undefined;
  /** Accept any certificate: only ever for the registration token, and only where the operator said so. */
  insecure?: boolean;
}

/** The few requests by which a cluster registers. Tests put a fake in its place. */
export interface ParentApi {
  get(name: string): Promise<ClusterRegistrationRequest | undefined>;
  create(request: ClusterRegistrationRequest): Promise<ClusterRegistrationRequest>;
  patch(name: string, patch: unknown): Promise<ClusterRegistrationRequest>;
  close(): Promise<void>;
}

/** Opens the parent. Nothing is sent before the first request. */
export type ConnectParent = (connection: ParentConnection) => ParentApi;

/** {@link ConnectParent} over HTTPS. */
export const connectParent: ConnectParent = ({ url, token, caPem, insecure }) => {
  const client = KubeClient.fromOptions({
    server: url,
    token,
    ...(caPem === undefined ? {} : { caPem }),
    ...(insecure ? { insecureSkipTlsVerify: true } : {}),
    userAgent: 'clusternet-agent',
  });
  const requests = client.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests);
  return {
    get: (name) => requests.find({ name }),
    create: (request) => requests.create(request),
    patch: (name, patch) => requests.patch({ name }, patch, { type: 'merge' }),
    close: () => client.close(),
  };
};

/**
 * Reads the clock of the parent from the Date header of an answer, to the second. Sends no credential and therefore trusts any
 * certificate: the point is to explain why a certificate is refused. `undefined` when there is no answer within five seconds.
 */
export function readParentClock(url: string): Promise<Date | undefined> {
  return new Promise((resolve) => {
    const request = httpsRequest(
      new URL('/version', url),
      { method: 'HEAD', rejectUnauthorized: false, agent: false, timeout: 5_000 },
      (response) => {
        response.resume();
        const time = Date.parse(response.headers.date ?? '');
        resolve(Number.isNaN(time) ? undefined : new Date(time));
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', () => resolve(undefined));
    request.end();
  });
}
