// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** When workloads leave clusters that fail. */
export interface FailoverSettings {
  /** How long a cluster is not ready before its workloads leave it; 0: they never do. */
  afterMs: number;
  /** Shortest time between two clusters that are left. */
  intervalMs: number;
  /** When more than this share of the clusters fails at once, 0 to 1, nothing is moved: it is rather the network of the parent. */
  maxShare: number;
}

/** How all clusters do that workloads have not left yet. */
export interface FleetHealth {
  clusters: number;
  /** Of these, the ones that are not ready. */
  failing: number;
}

/** Whether workloads leave a cluster now; if not, when to ask again. */
export type FailoverVerdict =
  | { leave: true }
  /** `held`: too many fail at once. */
  | { leave: false; held: boolean; askAgainMs: number };

const heldPauseMs = 10_000;

/**
 * Judges one cluster that is not ready. Pure.
 *
 * @remarks Clusters that were left before count no more, neither as failing nor as there: only what fails together is held, and a
 * fleet that lost many clusters over the months still reacts to the next.
 */
export function judgeFailover(
  o: { failingForMs: number; sinceLastMs: number; fleet: FleetHealth },
  settings: FailoverSettings,
): FailoverVerdict {
  const { afterMs, intervalMs, maxShare } = settings;
  if (o.failingForMs < afterMs) return { leave: false, held: false, askAgainMs: afterMs - o.failingForMs };
  const { clusters, failing } = o.fleet;
  if (failing > clusters * maxShare) return { leave: false, held: true, askAgainMs: Math.max(heldPauseMs, intervalMs) };
  if (o.sinceLastMs < intervalMs) return { leave: false, held: false, askAgainMs: intervalMs - o.sinceLastMs };
  return { leave: true };
}
