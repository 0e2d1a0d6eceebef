// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';

/** coordination.k8s.io/v1 Lease, as far as an election needs it. */
export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

/** `spec` of a {@link Lease}. */
export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** What a candidate remembers of the lease: the record it saw last, and when, by its own clock, it changed. */
export interface Observation {
  record: string;
  atMs: number;
}

/**
 * The observation after looking at the lease. The time moves only when the record does: how long ago the holder renewed is measured by the
 * candidate's own monotonic clock, so clocks that differ between machines do no harm.
 */
export function observe(before: Observation | undefined, spec: LeaseSpec | undefined, nowMs: number): Observation {
  const record = JSON.stringify([spec?.holderIdentity, spec?.renewTime, spec?.acquireTime, spec?.leaseTransitions]);
  return before?.record === record ? before : { record, atMs: nowMs };
}

/** When, by the candidate's clock, a holder that renews no more has lost the lease. */
export function freeAt(spec: LeaseSpec, observation: Observation, defaultDurationMs: number): number {
  const seconds = spec.leaseDurationSeconds;
  return observation.atMs + (seconds !== undefined && seconds > 0 ? seconds * 1000 : defaultDurationMs);
}

/** Whether a candidate may take the lease now. */
export function isFree(lease: {
  spec?: LeaseSpec;
  observation: Observation;
  identity: string;
  defaultDurationMs: number;
  nowMs: number;
}): boolean {
  const { spec, observation, identity, nowMs, defaultDurationMs } = lease;
  const holder = spec?.holderIdentity;
  return !holder || holder === identity || nowMs >= freeAt(spec, observation, defaultDurationMs);
}

/** The spec that takes the lease, or renews it when the identity holds it already. */
export function claim(spec: LeaseSpec | undefined, identity: string, options: { durationMs: number; now: Date }): LeaseSpec {
  const renewTime = microTime(options.now);
  const leaseDurationSeconds = Math.max(1, Math.ceil(options.durationMs / 1000));
  const held = spec?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds,
    acquireTime: held ? (spec.acquireTime ?? renewTime) : renewTime,
    renewTime,
    leaseTransitions: (spec?.leaseTransitions ?? 0) + (held || spec === undefined ? 0 : 1),
  };
}

/** The spec that gives the lease up, so that the next candidate need not wait for it to run out. */
export function giveUp(spec: LeaseSpec | undefined, now: Date): LeaseSpec {
  const time = microTime(now);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: spec?.leaseTransitions ?? 0,
  };
}

/** metav1.MicroTime has exactly six digits. */
function microTime(date: Date): string {
  return date.toISOString().replace(/(\.\d{3})Z$/, '$1000Z');
}
