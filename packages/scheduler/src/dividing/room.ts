// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** One cluster as a place for replicas of one feed. */
export interface Room {
  /** `namespace/name`. */
  key: string;
  /** Replicas it has now. */
  current: number;
  /** How many more it can take; 0 for one that takes no new work. */
  free: number;
  /** Higher ones are filled first. */
  tier: number;
  /** Among equals of a tier the higher one comes first; default 0. */
  score?: number;
  /** Already in use by another feed of the same Subscription. */
  used?: boolean;
  /** Labels of the cluster, for topology keys. */
  labels?: Record<string, string>;
}

/** Order of clusters between which nothing else decides: by score, then by name. */
export function byPlace(a: Room | undefined, b: Room | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return (b.score ?? 0) - (a.score ?? 0) || (a.key < b.key ? -1 : 1);
}
