// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ClusterVerdict } from '../framework/framework.ts';
import { type ClusterInfo } from '../framework/plugin.ts';
import { type Bound } from './bound.ts';

/** How far the search for feasible clusters goes. */
export interface Sampling {
  /** Share of all clusters to be found, in percent; 0 finds all. */
  percent: number;
  /** Where the search starts; moves on with each decision, so that every cluster has its turn. */
  start: number;
}

/** Fewest clusters to be found, however small the share. */
const LEAST_FEASIBLE = 100;

/** A search through the clusters that ends once enough are feasible. Those in use are always looked at. */
export function sampled(
  clusters: readonly ClusterInfo[],
  bound: Bound,
  sampling: Sampling | undefined,
): { search: (filter: (some: readonly ClusterInfo[]) => Promise<ClusterVerdict[]>) => Promise<ClusterVerdict[]> } {
  const enough = Math.max(LEAST_FEASIBLE, Math.ceil((clusters.length * (sampling?.percent ?? 0)) / 100));
  if (!sampling?.percent || clusters.length <= enough) return { search: (filter) => filter(clusters) };
  const start = sampling.start % clusters.length;
  const turned = [...clusters.slice(start), ...clusters.slice(0, start)];
  const order = [...turned.filter(({ key }) => bound.has(key)), ...turned.filter(({ key }) => !bound.has(key))];
  return {
    search: async (filter) => {
      const verdicts: ClusterVerdict[] = [];
      let feasible = 0;
      for (let at = 0; at < order.length && feasible < enough; at += LEAST_FEASIBLE) {
        const some = await filter(order.slice(at, at + LEAST_FEASIBLE));
        verdicts.push(...some);
        feasible += some.filter(({ rejected }) => rejected === undefined).length;
        sampling.start += some.length;
      }
      return verdicts.sort((a, b) => (a.info.key < b.info.key ? -1 : 1));
    },
  };
}
