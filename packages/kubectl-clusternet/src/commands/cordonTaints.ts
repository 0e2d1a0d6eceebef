// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Taint, taints, tolerates, type Toleration } from '@clusternet/api-types';

/** What a person wants of a cluster: anything, nothing new, or nothing at all. */
export type Cordon = 'none' | 'cordoned' | 'drained';

const effects: Record<Cordon, readonly string[]> = {
  none: [],
  cordoned: ['NoSchedule'],
  // The first is what the table of kubectl shows.
  drained: ['NoExecute', 'NoSchedule'],
};

/** The taints with those that say what is wanted, or `undefined` when they do. Other taints stay as they are. */
export function cordonTaints(present: readonly Taint[] | undefined, wanted: Cordon, now: Date): Taint[] | undefined {
  const list = present ?? [];
  const own = list.filter(({ key }) => key === taints.cordoned);
  const isThere = (effect: string): boolean => own.some((taint) => taint.effect === effect);
  if (own.length === effects[wanted].length && effects[wanted].every(isThere)) return undefined;
  const timeAdded = now.toISOString().replace(/\.\d+Z$/, 'Z');
  return [
    ...list.filter(({ key }) => key !== taints.cordoned),
    ...effects[wanted].map(
      (effect) => own.find((taint) => taint.effect === effect) ?? { key: taints.cordoned, effect, timeAdded },
    ),
  ];
}

/** What the taints say that a person wants. */
export function cordonOf(present: readonly Taint[] | undefined): Cordon {
  const own = (present ?? []).filter(({ key }) => key === taints.cordoned);
  if (own.some(({ effect }) => effect === 'NoExecute')) return 'drained';
  return own.length > 0 ? 'cordoned' : 'none';
}

/** Whether what is there stays in a cluster that is drained. */
export function staysThrough(tolerations: readonly Toleration[] | undefined): boolean {
  const taint: Taint = { key: taints.cordoned, effect: 'NoExecute' };
  return (tolerations ?? []).some((toleration) => toleration.tolerationSeconds === undefined && tolerates(toleration, taint));
}
