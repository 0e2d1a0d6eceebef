// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Shares `total` in proportion to `weights`: each gets the whole part of its quota, and what is left goes one by one to the largest
 * fractions, ties to the earlier. The sum is exact, however large the numbers; all weights zero gives nothing to anybody.
 *
 * @remarks With `total` not above the sum of the weights nobody gets more than its weight: a share of what fits, fits.
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  const { floors, left, fractions } = quotas(total, weights);
  const order = weights.map((_, i) => i).filter((i) => (weights[i] ?? 0) > 0);
  order.sort((a, b) => compare(fractions[b], fractions[a]) || a - b);
  for (const i of order.slice(0, left)) floors[i] = (floors[i] ?? 0) + 1;
  return floors;
}

/** The whole parts of the quotas, what is left over, and the numerators of the fractions. */
export function quotas(
  total: number,
  weights: readonly number[],
): { floors: number[]; left: number; fractions: (number | bigint)[] } {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0 || total === 0) return { floors: weights.map(() => 0), left: 0, fractions: weights.map(() => 0) };
  const floors: number[] = [];
  const fractions: (number | bigint)[] = [];
  const exact = total * Math.max(...weights) <= Number.MAX_SAFE_INTEGER;
  for (const weight of weights) {
    if (exact) {
      const product = total * weight;
      fractions.push(product % sum);
      floors.push((product - (product % sum)) / sum);
    } else {
      const product = BigInt(total) * BigInt(weight);
      fractions.push(product % BigInt(sum));
      floors.push(Number(product / BigInt(sum)));
    }
  }
  return { floors, left: total - floors.reduce((a, b) => a + b, 0), fractions };
}

function compare(a: number | bigint | undefined, b: number | bigint | undefined): number {
  const [x, y] = [a ?? 0, b ?? 0];
  if (x === y) return 0;
  return x < y ? -1 : 1;
}
