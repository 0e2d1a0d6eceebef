// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import semver from 'semver';
import { ChartSourceError } from './chartSourceError.ts';

/** Whether `version` names one version and not a range. */
export function isExactVersion(version: string | undefined): version is string {
  return version !== undefined && semver.valid(version.trim(), { loose: true }) !== null;
}

/**
 * Chooses a version as Helm does: an exact one as it is written or by its meaning (`v1.2.3` is `1.2.3`), of a range the newest, and without
 * one the newest that is stable.
 *
 * @throws ChartSourceError `Invalid` when `wanted` is neither a version nor a range
 */
export function chooseVersion(available: readonly string[], wanted = ''): string | undefined {
  const text = wanted.trim();
  if (available.includes(text)) return text;
  const parsed = available.flatMap((version) => {
    const value = semver.parse(version, { loose: true });
    return value ? [{ version, value }] : [];
  });
  const exact = semver.parse(text, { loose: true });
  if (exact) return parsed.find(({ value }) => value.compare(exact) === 0 && value.compareBuild(exact) === 0)?.version;
  // Helm's ranges join by commas too, and take in pre-releases as soon as one is named.
  const range = semver.validRange(text.replaceAll(',', ' ') || '*', { loose: true });
  if (range === null) {
    throw new ChartSourceError(
      'Invalid',
      `"${text}" is neither a version nor a range of versions such as 1.2.3, ^1.2 or ">=1.0 <3"`,
    );
  }
  const includePrerelease = /\d-[0-9A-Za-z]/.test(text);
  const matching = parsed.filter(({ value }) => semver.satisfies(value, range, { includePrerelease, loose: true }));
  return matching.sort((a, b) => b.value.compare(a.value) || b.value.compareBuild(a.value))[0]?.version;
}
