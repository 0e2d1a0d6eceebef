// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { stringify } from 'yaml';
import { redact, redacted } from '../logging/redact.ts';
import { formatDuration } from './duration.ts';
import { type Setting } from './setting.ts';

/** The settings in effect as they may be shown: secrets replaced, durations readable. */
export function printableConfig(config: Record<string, unknown>, settings: readonly Setting[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { key, secret, isDuration } of settings) {
    const value = config[key];
    if (value === undefined) continue;
    if (secret) result[key] = value === '' ? '' : redacted;
    else result[key] = isDuration && typeof value === 'number' ? formatDuration(value) : redact(value);
  }
  return result;
}

/** The same as a file that `--config` takes, but for the secrets. */
export function printConfig(config: Record<string, unknown>, settings: readonly Setting[]): string {
  return stringify(printableConfig(config, settings));
}
