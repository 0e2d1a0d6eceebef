// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Taint, tolerates, type Toleration } from '@clusternet/api-types';

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
