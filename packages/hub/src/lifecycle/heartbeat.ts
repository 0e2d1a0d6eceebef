// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type ManagedCluster } from '@clusternet/api-types';

/** Used where a cluster does not say how often it reports: its agent's default is three minutes. */
export const defaultHeartbeatSeconds = 180;
const missedHeartbeats = 3;
const longestHeartbeatSeconds = 24 * 3600;

/** coordination.k8s.io/v1 Lease by which an agent says that it is there, without rewriting its report. */
export interface HeartbeatLease extends KubeObject {
  spec?: { renewTime?: string };
}

/** Time without a report after which nothing is known about a cluster any more, in milliseconds. */
export function heartbeatThresholdMs(cluster: ManagedCluster): number {
  const seconds = cluster.status?.heartbeatFrequencySeconds ?? 0;
  const frequency = seconds > 0 ? Math.min(seconds, longestHeartbeatSeconds) : defaultHeartbeatSeconds;
  return missedHeartbeats * frequency * 1000;
}

/** How long ago a cluster reported, by the hub's own clock. */
export interface Silence {
  /** Milliseconds left until the cluster counts as lost; 0 or less when it does. */
  remainingMs: number;
  /** No report was ever seen in the object. */
  neverReported: boolean;
}

/**
 * Remembers when the hub saw each cluster report: by its status, or by its Lease.
 *
 * The time stamps that agents write are only compared with each other: a clock that is an hour off harms nobody. The
 * price is that a hub that has just started gives every cluster one full threshold before it judges.
 */
export class Heartbeats {
  readonly #seen = new Map<string, { report: string; at: number }>();

  /** Looks at a cluster. `nowMs` is a monotonic time. */
  observe(key: string, { cluster, lease }: { cluster: ManagedCluster; lease?: HeartbeatLease }, nowMs: number): Silence {
    const { lastObservedTime } = cluster.status ?? {};
    const renewTime = lease?.spec?.renewTime;
    // A cluster that was made anew under the same name begins anew.
    const report = `${cluster.metadata.uid ?? ''} ${lastObservedTime ?? ''} ${renewTime ?? ''}`;
    let seen = this.#seen.get(key);
    if (seen?.report !== report) {
      seen = { report, at: nowMs };
      this.#seen.set(key, seen);
    }
    return {
      remainingMs: seen.at + heartbeatThresholdMs(cluster) - nowMs,
      neverReported: lastObservedTime === undefined && renewTime === undefined,
    };
  }

  /** Forgets a cluster that is gone. */
  forget(key: string): void {
    this.#seen.delete(key);
  }
}
