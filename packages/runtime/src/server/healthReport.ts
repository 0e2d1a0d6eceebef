// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type CheckResult } from './health.ts';

/**
 * What a probe is told: `ok`, or a line for each check when one fails or when they are asked for.
 *
 * @param verbose - whether the single checks are asked for
 */
export function healthReport(results: readonly CheckResult[], verbose: boolean): { healthy: boolean; text: string } {
  const healthy = results.every(({ problem }) => problem === undefined);
  if (healthy && !verbose) return { healthy, text: 'ok' };
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`));
  return { healthy, text: [...lines, healthy ? 'check passed' : 'check failed', ''].join('\n') };
}
