// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** One bench: prints text for people through `log` and returns every figure it measured. */
export interface Bench {
  name: string;
  summary: string;
  run(log: (line: string) => void): Promise<Record<string, unknown>>;
}

/** The middle value; the mean of the two middle ones of an even count. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which `p` percent of the values lie, linearly between neighbours. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * p) / 100;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** Three significant digits are what these machines can tell. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}
