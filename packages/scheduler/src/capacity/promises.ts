// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Amounts } from './quantity.ts';

interface Grant {
  at: number;
  amounts: Amounts;
}

/** For how long it is remembered when something was promised: longer than any prediction is kept. */
const MEMORY_MS = 10 * 60_000;

/** What was promised in each cluster, and to which Subscription: what decisions have given away and no report shows yet. */
export class Promises {
  readonly #bySubscription = new Map<string, ReadonlyMap<string, Amounts>>();
  readonly #totals = new Map<string, Record<string, number>>();
  readonly #grants = new Map<string, Grant[]>();

  /** Takes over what a Subscription has in each cluster now; nothing when it is gone. */
  set(subscription: string, uses: ReadonlyMap<string, Amounts>, now: number): void {
    const before = this.#bySubscription.get(subscription) ?? new Map<string, Amounts>();
    if (uses.size === 0) this.#bySubscription.delete(subscription);
    else this.#bySubscription.set(subscription, uses);
    for (const cluster of new Set([...before.keys(), ...uses.keys()])) {
      this.#change(cluster, { from: before.get(cluster) ?? {}, to: uses.get(cluster) ?? {}, now });
    }
  }

  /** Everything promised in a cluster. */
  in(cluster: string): Amounts {
    return this.#totals.get(cluster) ?? {};
  }

  /** What was promised in a cluster at or after a time, in milliseconds. */
  since(cluster: string, time: number): Amounts {
    const sum: Record<string, number> = {};
    for (const { at, amounts } of this.#grants.get(cluster) ?? []) {
      if (at < time) continue;
      for (const [resource, amount] of Object.entries(amounts)) sum[resource] = (sum[resource] ?? 0) + amount;
    }
    return sum;
  }

  #change(cluster: string, { from, to, now }: { from: Amounts; to: Amounts; now: number }): void {
    const totals = this.#totals.get(cluster) ?? {};
    const added: Record<string, number> = {};
    for (const resource of new Set([...Object.keys(from), ...Object.keys(to)])) {
      const difference = (to[resource] ?? 0) - (from[resource] ?? 0);
      if (difference === 0) continue;
      const total = (totals[resource] ?? 0) + difference;
      if (total > 0) totals[resource] = total;
      else delete totals[resource];
      if (difference > 0) added[resource] = difference;
    }
    if (Object.keys(totals).length > 0) this.#totals.set(cluster, totals);
    else this.#totals.delete(cluster);
    if (Object.keys(added).length === 0) return;
    const recent = (this.#grants.get(cluster) ?? []).filter(({ at }) => at > now - MEMORY_MS);
    this.#grants.set(cluster, [...recent, { at: now, amounts: added }]);
  }
}
