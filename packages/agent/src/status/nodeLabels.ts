// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { controlPlaneLabels, type NodeSummary } from './nodes.ts';

/**
 * Labels that the cluster as a whole gets from its nodes: of each key with one of the prefixes the value that most worker nodes have,
 * if enough of them do. Of values that are equally frequent the first in the alphabet wins, so that the answer does not waver.
 */
export function aggregateLabels(
  nodes: readonly NodeSummary[],
  { prefixes, threshold }: { prefixes: readonly string[]; threshold: number },
): Record<string, string> {
  const workers = nodes.filter(({ metadata }) => !controlPlaneLabels.some((key) => metadata.labels?.[key] !== undefined));
  const counts = new Map<string, Map<string, number>>();
  for (const { metadata } of workers) {
    for (const [key, value] of Object.entries(metadata.labels ?? {})) {
      if (!prefixes.some((prefix) => key.startsWith(prefix))) continue;
      const values = counts.get(key) ?? new Map<string, number>();
      values.set(value, (values.get(value) ?? 0) + 1);
      counts.set(key, values);
    }
  }
  const labels: [string, string][] = [];
  for (const [key, values] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [value, count] = [...values].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0] ?? ['', 0];
    if (count / workers.length >= threshold) labels.push([key, value]);
  }
  return Object.fromEntries(labels.slice(0, mostLabels));
}

/** What a status may carry; a cluster that is described by more is described by nothing. */
const mostLabels = 128;
