// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Condition } from '@clusternet/api-types';

/** A condition as its writer states it; the time of the transition follows from the list. */
export type NewCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message' | 'observedGeneration'>;

/** The condition of that type, if there is one. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * The list with one condition set. `lastTransitionTime` moves only when the status does, as Kubernetes readers expect.
 *
 * @returns `changed: false` and the same list when it already says so, which is the sign not to write at all
 */
export function setCondition(
  conditions: Condition[] | undefined,
  condition: NewCondition,
  now: Date,
): { conditions: Condition[]; changed: boolean } {
  const before = findCondition(conditions, condition.type);
  const sameStatus = before?.status === condition.status;
  const same =
    before !== undefined &&
    sameStatus &&
    (before.reason ?? '') === (condition.reason ?? '') &&
    (before.message ?? '') === (condition.message ?? '') &&
    before.observedGeneration === condition.observedGeneration;
  if (same) return { conditions: conditions ?? [], changed: false };

  const lastTransitionTime = sameStatus && before.lastTransitionTime ? before.lastTransitionTime : secondsPrecision(now);
  const next: Condition = { ...condition, lastTransitionTime };
  const list = conditions ?? [];
  return {
    conditions: before ? list.map((other) => (other === before ? next : other)) : [...list, next],
    changed: true,
  };
}

/** A time as metav1.Time writes it. */
function secondsPrecision(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
