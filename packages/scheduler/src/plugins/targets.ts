// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { feedKey } from '@clusternet/api-types';
import { type Cycle } from '../framework/plugin.ts';

/** `status.replicas`: a list per feed with replicas, and an empty one for the others. */
export function replicaLists(cycle: Cycle, shares: ReadonlyMap<string, number[]>): Record<string, number[]> {
  return Object.fromEntries(cycle.subscription.spec.feeds.map((feed) => [feedKey(feed), shares.get(feedKey(feed)) ?? []]));
}

/** What is told of replicas that found no place. */
export function shortfall({ key, desired, short }: { key: string; desired: number; short: number }, why: string): string {
  return `${short} of ${desired} replicas of ${key} found no room: ${why}`;
}
