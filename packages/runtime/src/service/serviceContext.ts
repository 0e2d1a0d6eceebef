// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient } from '@clusternet/client';
import { type FeatureGates } from '../gates.ts';
import { type Logger } from '../logging/logger.ts';
import { type Metrics } from '../metrics/metrics.ts';
import { type Health } from '../server/health.ts';

/** What a service finds when it starts. */
export interface ServiceContext<C> {
  /** The settings in effect. */
  config: C;
  logger: Logger;
  metrics: Metrics;
  gates: FeatureGates;
  /** Aborted by SIGTERM and SIGINT: the service has to end in good order. */
  signal: AbortSignal;
  /** Client of the cluster that the service runs in. */
  client: KubeClient;
  /** Where readiness checks are added. */
  health: Health;
  /** Name of this process in leases and events. */
  identity: string;
  /**
   * Runs what only the leader may do; see electLeader. With `--leader-elect=false` it runs at once, and `lease` is still the
   * uid of the Lease object, which is made if need be.
   */
  elect: (run: (leading: AbortSignal, lease: { uid: string }) => Promise<void>) => Promise<void>;
}
