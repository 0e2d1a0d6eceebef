// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';

const unitMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const wholeDuration = /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|ms|s|m|h))*$/;
const oneUnit = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|ms|s|m|h)/g;

/**
 * Milliseconds of a Go duration such as `20s`, `3m`, `1h30m`, `1.5h` or `0`; negative ones are refused, no setting of ours means anything by them.
 *
 * @returns undefined when it is none
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (!wholeDuration.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(oneUnit)) total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  return total;
}

/** Milliseconds the way Go prints them: `1h30m0s`, `20s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${Number(((ms % 60_000) / 1000).toFixed(3))}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** The mark by which the help finds out that a number is a duration. */
export const durationFormat = 'go-duration';

/** A setting that is written as a Go duration and read as milliseconds. Defaults are given in milliseconds: `duration().default(20_000)`. */
export function duration(): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  return z
    .string()
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined) return ms;
      context.issues.push({ code: 'custom', message: 'must be a duration such as 20s, 3m or 1h30m', input: text });
      return z.NEVER;
    })
    .meta({ format: durationFormat });
}
