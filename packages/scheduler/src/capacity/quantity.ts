// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

const units: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const syntax = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;

/**
 * A Kubernetes quantity in thousandths, so that the usual fractions (`100m`) stay whole and divide exactly; undefined for text that is
 * none. Beyond 2^53 thousandths (9 TB) the last digits are rounded, which no estimate of room notices.
 */
export function thousandths(quantity: string | number): number | undefined {
  const match = syntax.exec(String(quantity).trim());
  if (!match) return undefined;
  const [, digits = '', unit = '', exponent] = match;
  const factor = exponent === undefined ? (units[unit] ?? 1) : 10 ** Number(exponent);
  return Math.round(Number(digits) * factor * 1000);
}

/** Amounts of resources by name, in thousandths. */
export type Amounts = Readonly<Record<string, number>>;

/** Amounts as written in an API object; what is no quantity does not count. */
export function amountsOf(quantities: Record<string, string | number> | undefined): Amounts {
  const amounts: Record<string, number> = {};
  for (const [resource, quantity] of Object.entries(quantities ?? {})) {
    const amount = thousandths(quantity);
    if (amount !== undefined) amounts[resource] = amount;
  }
  return amounts;
}
