// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parseQuantity } from '@clusternet/api-types';

const nanosPerThousandth = 1e6;

/**
 * A Kubernetes quantity in thousandths, so that the usual fractions (`100m`) stay whole and divide exactly; undefined for text that is
 * none. Beyond 2^53 thousandths (9 TB) the last digits are rounded, which no estimate of room notices.
 */
export function thousandths(quantity: string | number): number | undefined {
  const nanos = parseQuantity(String(quantity))?.nanos;
  return nanos === undefined ? undefined : Math.round(Number(nanos) / nanosPerThousandth);
}

/** Amounts of resources by name, in thousandths. */
export type Amounts = Readonly<Record<string, number>>;

type Quantities = Readonly<Record<string, string | number>>;

/** What was read before: the same report of a cluster is looked at in every decision. */
const known = new WeakMap<Quantities, Amounts>();

/** Amounts as written in an API object, which must not change; what is no quantity does not count. */
export function amountsOf(quantities: Quantities | undefined): Amounts {
  if (quantities === undefined) return {};
  const before = known.get(quantities);
  if (before) return before;
  const amounts: Record<string, number> = {};
  for (const [resource, quantity] of Object.entries(quantities)) {
    const amount = thousandths(quantity);
    if (amount !== undefined) amounts[resource] = amount;
  }
  known.set(quantities, amounts);
  return amounts;
}
