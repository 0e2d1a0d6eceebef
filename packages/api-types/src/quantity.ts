// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** How a Kubernetes quantity is written: `4Gi` (binary) or `3500m` (decimal). */
export type QuantityFormat = 'binary' | 'decimal';

/** An exact Kubernetes quantity: a count of billionths, and how it prefers to be written. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const nanosPerUnit = 1_000_000_000n;
const binaryUnits = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimalExponents: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalUnits = Object.entries(decimalExponents).sort(([, a], [, b]) => b - a);
const syntax = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;

/** Reads a quantity as the Kubernetes API writes it; `undefined` for anything else. What is finer than a billionth is rounded up. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = syntax.exec(text.trim());
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  const binary = binaryUnits.indexOf(suffix);
  const nanos =
    binary > 0
      ? scaled(digits * 1024n ** BigInt(binary), 9 - fraction.length)
      : scaled(digits, 9 - fraction.length + (exponent === undefined ? (decimalExponents[suffix] ?? 0) : Number(exponent)));
  return { nanos: sign === '-' ? -nanos : nanos, format: binary > 0 ? 'binary' : 'decimal' };
}

/** Writes a quantity in the canonical form: the largest unit that leaves no fraction. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  if (format === 'binary' && size % nanosPerUnit === 0n) {
    let value = size / nanosPerUnit;
    let unit = 0;
    while (unit < binaryUnits.length - 1 && value % 1024n === 0n) {
      value /= 1024n;
      unit++;
    }
    return `${sign}${value}${binaryUnits[unit] ?? ''}`;
  }
  for (const [unit, exponent] of decimalUnits) {
    const divisor = 10n ** BigInt(exponent + 9);
    if (size % divisor === 0n) return `${sign}${size / divisor}${unit}`;
  }
  return `${sign}${size}n`;
}

/**
 * Adds quantities without rounding. The sum is written like the first summand that is not zero; without any it is `"0"`.
 * Text that is not a quantity does not count: one odd node must not hide the capacity of the others.
 */
export function sumQuantities(texts: Iterable<string>): string {
  let nanos = 0n;
  let format: QuantityFormat | undefined;
  for (const text of texts) {
    const quantity = parseQuantity(text);
    if (!quantity || quantity.nanos === 0n) continue;
    nanos += quantity.nanos;
    format ??= quantity.format;
  }
  return formatQuantity({ nanos, format: format ?? 'decimal' });
}

/** Whether both are quantities of the same amount, however they are written. */
export function sameQuantity(a: unknown, b: unknown): boolean {
  const [x, y] = [a, b].map((value) => (isText(value) ? parseQuantity(String(value)) : undefined));
  return x !== undefined && y !== undefined && x.nanos === y.nanos;
}

/** YAML has quantities as numbers too. */
function isText(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function scaled(digits: bigint, exponent: number): bigint {
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (digits + divisor - 1n) / divisor;
}
