// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parseQuantity } from '@clusternet/api-types';

/** Amounts of resources by name, in whole units; of `cpu` in thousandths. Numbers, as many thousands of them are added up. */
export type Amounts = Readonly<Record<string, number>>;

const nanosPerUnit = 1_000_000_000n;
const nanosPerMilli = 1_000_000n;

/** Reads quantities as a scheduler counts them: what is finer than the unit is rounded up. Text that is no quantity is left out. */
export function amountsOf(quantities: Readonly<Record<string, string | number>> | undefined): Amounts {
  const amounts: Record<string, number> = {};
  for (const [resource, text] of Object.entries(quantities ?? {})) {
    const nanos = parseQuantity(String(text))?.nanos;
    if (nanos === undefined) continue;
    const unit = resource === 'cpu' ? nanosPerMilli : nanosPerUnit;
    amounts[resource] = Number(nanos > 0n ? (nanos + unit - 1n) / unit : nanos / unit);
  }
  return amounts;
}

/** Sum of both. */
export function added(a: Amounts, b: Amounts): Amounts {
  const sum: Record<string, number> = { ...a };
  for (const [resource, amount] of Object.entries(b)) sum[resource] = (sum[resource] ?? 0) + amount;
  return sum;
}

/** The larger of each. */
export function larger(a: Amounts, b: Amounts): Amounts {
  const most: Record<string, number> = { ...a };
  for (const [resource, amount] of Object.entries(b)) most[resource] = Math.max(most[resource] ?? 0, amount);
  return most;
}
