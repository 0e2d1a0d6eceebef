// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Taint, taints } from '@clusternet/api-types';

const own: readonly Pick<Taint, 'key' | 'effect'>[] = [
  { key: taints.unschedulable, effect: 'NoSchedule' },
  { key: taints.initialization, effect: 'NoSchedule' },
  { key: taints.unreachable, effect: 'NoExecute' },
  { key: taints.notReady, effect: 'NoExecute' },
];

/** Whether two taints are one and the same, whatever they say besides. */
export function isSameTaint(a: Pick<Taint, 'key' | 'effect'>, b: Pick<Taint, 'key' | 'effect'>): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/**
 * The taints of a cluster with the ones that the hub answers for brought to what is wanted, or `undefined` when they are. Taints of
 * people, also under the same key with another effect, stay as they are and where they are; one of the hub's that stays keeps the time
 * at which it came.
 */
export function nextTaints(present: readonly Taint[] | undefined, wanted: readonly Taint[]): Taint[] | undefined {
  const list = present ?? [];
  const left = [...wanted];
  const next: Taint[] = [];
  for (const taint of list) {
    if (!own.some((one) => isSameTaint(one, taint))) {
      next.push(taint);
      continue;
    }
    const index = left.findIndex((one) => isSameTaint(one, taint));
    const [replacement] = index < 0 ? [] : left.splice(index, 1);
    if (replacement) next.push(taint.value === replacement.value ? taint : { ...taint, value: replacement.value });
  }
  next.push(...left);
  const unchanged = next.length === list.length && next.every((taint, index) => taint === list[index]);
  return unchanged ? undefined : next;
}
