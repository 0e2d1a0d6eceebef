// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Condition, type Taint, taints } from '@clusternet/api-types';

const effect = 'NoSchedule';

/**
 * The taints of a cluster with the ones that the hub answers for brought up to date, or `undefined` when they are.
 * Taints of people, also under the same key with another effect, stay as they are and where they are.
 */
export function nextTaints(present: Taint[] | undefined, ready: Condition | undefined): Taint[] | undefined {
  const list = present ?? [];
  const own = (taint: Taint): boolean => taint.effect === effect && taint.key === taints.unschedulable;
  const wanted: Taint | undefined =
    ready && ready.status !== 'True' ? { key: taints.unschedulable, value: ready.reason, effect } : undefined;
  const first = list.find(own);
  const count = list.filter(own).length;
  if (wanted ? count === 1 && first?.value === wanted.value : count === 0) return undefined;
  if (!wanted) return list.filter((taint) => !own(taint));
  if (!first) return [...list, wanted];
  return list
    .filter((taint) => !own(taint) || taint === first)
    .map((taint) => (taint === first ? { ...taint, ...wanted } : taint));
}
