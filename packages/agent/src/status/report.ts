// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from 'node:util';
import { conditionReasons, conditionTypes, type Condition, type ManagedClusterStatus } from '@clusternet/api-types';

/** All that decides over one report. */
export interface ReportInput {
  /** What the child looks like now. */
  observed: ManagedClusterStatus;
  /** What was reported last, if anything. */
  reported: ManagedClusterStatus | undefined;
  /** Time at the parent. */
  now: Date;
  /** The regular report is due. */
  heartbeat: boolean;
  /** Something else tells the parent that the cluster is there: nothing is reported only for that. */
  leased?: boolean;
}

/** Fields that change all the time and wait for the next heartbeat. */
const volatile = ['lastObservedTime', 'podStatistics', 'resourceUsage', 'conditions'] as const;

/**
 * The status to write, or `undefined` when there is nothing to tell: no heartbeat is due and nothing of importance changed.
 *
 * @remarks `lastTransitionTime` of Ready is, for readers of the upstream kind, the moment of the last heartbeat: it is refreshed with
 * every heartbeat, and between them moves only when the status does.
 */
export function nextReport({
  observed,
  reported,
  now,
  heartbeat,
  leased = false,
}: ReportInput): ManagedClusterStatus | undefined {
  const ready = readyCondition(observed, reported, { now, heartbeat: heartbeat && !leased });
  const last = reported?.conditions?.find((condition) => condition.type === conditionTypes.ready);
  const changed = !isDeepStrictEqual(lasting(observed), reported && lasting(reported)) || last?.status !== ready.status;
  const due = heartbeat && (!leased || !isDeepStrictEqual(usage(observed), reported && usage(reported)));
  if (!due && !changed) return undefined;
  return { ...observed, lastObservedTime: timestamp(now), conditions: [ready] };
}

/** Ready as the specification says: (livez and readyz) or healthz. */
function readyCondition(
  observed: ManagedClusterStatus,
  reported: ManagedClusterStatus | undefined,
  { now, heartbeat }: { now: Date; heartbeat: boolean },
): Condition {
  const ready = Boolean((observed.livez && observed.readyz) || observed.healthz);
  const status = ready ? 'True' : 'False';
  const last = reported?.conditions?.find((condition) => condition.type === conditionTypes.ready);
  const failing = (['livez', 'readyz', 'healthz'] as const).filter((check) => !observed[check]).map((check) => `/${check}`);
  return {
    type: conditionTypes.ready,
    status,
    reason: ready ? conditionReasons.managedClusterReady : conditionReasons.managedClusterNotReady,
    message: ready ? 'the API server of the cluster is ready' : `the API server of the cluster fails ${failing.join(', ')}`,
    lastTransitionTime:
      !heartbeat && last?.status === status && last.lastTransitionTime ? last.lastTransitionTime : timestamp(now),
  };
}

/** Fields of the status that the parent refused because its CRD, one of another version, does not have them. */
export function undeclaredFields(error: unknown): string[] {
  const message = error instanceof Error ? error.message : '';
  return [...message.matchAll(/\.status\.(\w+): field not declared in schema/g)].flatMap(([, field]) => field ?? []);
}

/** The status without these fields. */
export function without(status: ManagedClusterStatus, fields: ReadonlySet<string>): ManagedClusterStatus {
  return Object.fromEntries(Object.entries(status).filter(([field]) => !fields.has(field)));
}

/** What changes all the time, and is worth a regular report even so. */
function usage({ podStatistics, resourceUsage }: ManagedClusterStatus): unknown {
  return { podStatistics, resourceUsage };
}

function lasting(status: ManagedClusterStatus): Record<string, unknown> {
  const rest: Record<string, unknown> = { ...status };
  for (const field of volatile) delete rest[field];
  return rest;
}

function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
