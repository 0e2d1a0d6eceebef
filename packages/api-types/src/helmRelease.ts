// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { suffix } from './hash.ts';

/** Longest name of an object. */
const longestName = 253;

/**
 * Name of the HelmRelease of a chart in a Helm Description: `<description>-<namespace>-<name>`, or the start of it and a hash where that
 * would be too long. Two charts may come to the same name (`a-b/c` and `a/b-c`).
 */
export function helmReleaseName(description: string, chart: { namespace: string; name: string }): string {
  const name = `${description}-${chart.namespace}-${chart.name}`;
  if (name.length <= longestName) return name;
  const ending = `-${suffix(name)}`;
  return `${name.slice(0, longestName - ending.length).replace(/[-.]+$/, '')}${ending}`;
}
