// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { duration } from '@clusternet/runtime';
import { z } from 'zod';

const cacheTtl = (what: string) => duration().default(10_000).describe(what).meta({ secret: false });

/** Flags of every service that serves an aggregated API; spread its `shape` into the service's own. */
export const apiServerConfig = z.object({
  authenticationSkipLookup: z
    .boolean()
    .default(false)
    .describe('do not read the ConfigMap extension-apiserver-authentication; only what flags say counts'),
  authenticationTolerateLookupFailure: z
    .boolean()
    .default(false)
    .describe('be ready without that ConfigMap; requests through kube-apiserver are refused until it can be read'),
  authenticationTokenWebhookCacheTtl: cacheTtl('how long the answer about a bearer token is kept'),
  clientCaFile: z.string().optional().describe('PEM bundle of CAs whose certificates name users; default: from the ConfigMap'),
  requestheaderClientCaFile: z
    .string()
    .optional()
    .describe('PEM bundle of CAs of the front proxy; with it the names below count, else those of the ConfigMap'),
  requestheaderAllowedNames: z
    .array(z.string())
    .default([])
    .describe("common names of the front proxy's certificate; any if empty"),
  requestheaderUsernameHeaders: z.array(z.string()).default(['x-remote-user']).describe('headers with the name of the user'),
  requestheaderUidHeaders: z.array(z.string()).default([]).describe('headers with the uid of the user'),
  requestheaderGroupHeaders: z.array(z.string()).default(['x-remote-group']).describe('headers with the groups of the user'),
  requestheaderExtraHeadersPrefix: z
    .array(z.string())
    .default(['x-remote-extra-'])
    .describe('prefixes of headers with further fields of the user'),
  authorizationAlwaysAllowPaths: z
    .array(z.string())
    .default(['/healthz', '/readyz', '/livez', '/version'])
    .describe('paths open to everybody; a * at the end opens all below'),
  authorizationWebhookCacheAuthorizedTtl: cacheTtl('how long a permission is kept'),
  authorizationWebhookCacheUnauthorizedTtl: cacheTtl('how long a refusal is kept'),
  maxRequestsInflight: z.int().positive().default(600).describe('short requests served at once'),
  maxRequestsInflightPerUser: z.int().positive().default(300).describe('of these, for one user'),
  maxLongRunningRequests: z.int().positive().default(10_000).describe('watches and streams served at once'),
  maxLongRunningRequestsPerUser: z.int().positive().default(1_000).describe('of these, for one user'),
  tlsCurvePreferences: z
    .array(z.enum(['X25519MLKEM768', 'X25519', 'P-256', 'P-384', 'P-521']))
    .min(1)
    .default(['X25519', 'P-256', 'P-384'])
    .describe(
      'key exchanges of TLS, best first; X25519MLKEM768 resists quantum computers and costs about 8 KB for each connection',
    ),
  requestTimeout: duration().default(60_000).describe('how long a short request may take'),
  shutdownDelayDuration: duration()
    .default(0)
    .describe('how long requests are still taken while not ready, so that load balancers can notice'),
});

/** Values of {@link apiServerConfig}; durations in milliseconds. */
export type ApiServerConfig = z.infer<typeof apiServerConfig>;
