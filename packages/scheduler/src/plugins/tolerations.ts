// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Taint, type Toleration } from '@clusternet/api-types';

/**
 * Whether a toleration accepts a taint, by the rules of Kubernetes: no effect means every effect, no key with `Exists` every key,
 * and the operator is `Equal` unless it says otherwise. Operators that this version does not know accept nothing.
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  const anyKey = toleration.key === undefined || toleration.key === '';
  if (anyKey) return toleration.operator === 'Exists';
  if (toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  return (toleration.operator ?? 'Equal') === 'Equal' && (toleration.value ?? '') === (taint.value ?? '');
}

/** How a taint stands with the tolerations: for how many milliseconds it is still accepted, `Infinity` for good, 0 not at all. */
export function toleratedForMs(taint: Taint, tolerations: readonly Toleration[], now: Date): number {
  const spans = tolerations
    .filter((toleration) => tolerates(toleration, taint))
    .map(({ tolerationSeconds }) => {
      // Seconds count for NoExecute alone, from when the taint came; of a taint that does not say when, nothing can be counted.
      if (tolerationSeconds === undefined || taint.effect !== 'NoExecute' || taint.timeAdded === undefined) return Infinity;
      return Math.max(0, new Date(taint.timeAdded).getTime() + tolerationSeconds * 1000 - now.getTime());
    });
  return Math.max(0, ...spans);
}
