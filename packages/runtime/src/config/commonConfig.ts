// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';
import { duration } from './duration.ts';

/** The settings of every service; a service may declare one of them itself to give it another default. */
export function commonConfig(serviceName: string) {
  return z.object({
    kubeconfig: z
      .string()
      .optional()
      .describe("path of a kubeconfig; without it KUBECONFIG, ~/.kube/config, then the pod's ServiceAccount")
      .meta({ secret: false }),
    kubeApiQps: z.number().positive().default(50).describe('requests per second to the API server'),
    kubeApiBurst: z.int().positive().default(100).describe('requests that may exceed the rate for a moment'),
    leaderElect: z.boolean().default(true).describe('work only while holding the lease; needed with more than one replica'),
    leaderElectLeaseDuration: duration().default(15_000).describe('how long others wait after the last renewal they saw'),
    leaderElectRenewDeadline: duration().default(10_000).describe('how long after its last renewal the leader stops acting'),
    leaderElectRetryPeriod: duration().default(2_000).describe('time between tries to get or renew the lease'),
    leaderElectResourceName: z.string().min(1).default(serviceName).describe('name of the Lease'),
    leaderElectResourceNamespace: z.string().min(1).default('clusternet-system').describe('namespace of the Lease'),
    leaderElectResourceLock: z
      .literal('leases')
      .or(z.literal('lease'))
      .default('leases')
      .describe('kind of the lock')
      .meta({ hidden: true }),
    securePort: z.int().min(0).max(65_535).default(10_650).describe('port of the health and metrics server; 0 turns it off'),
    bindAddress: z.string().min(1).default('0.0.0.0').describe('address that the health and metrics server listens on'),
    tlsCertFile: z.string().optional().describe('PEM certificate chain of that server; without it one is made in memory'),
    tlsPrivateKeyFile: z.string().optional().describe('PEM private key that belongs to it').meta({ secret: false }),
    featureGates: z.string().default('').describe('optional features, as Name=true,Name=false'),
    loggingFormat: z.enum(['text', 'json']).default('text').describe('how log lines are written'),
    v: z.int().min(0).max(10).default(2).describe('how much is logged: 0 warnings, 2 normal, 4 and more debugging'),
  });
}

/** Values of the settings that every service has. Durations are milliseconds. */
export type CommonConfig = z.infer<ReturnType<typeof commonConfig>>;
