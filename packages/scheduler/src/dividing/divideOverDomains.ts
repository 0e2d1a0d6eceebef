// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { byPlace, type Room } from './room.ts';

/** How evenly replicas spread over the values of a cluster label. */
export interface SpreadConstraint {
  topologyKey: string;
  maxSkew: number;
  /** False for a wish (`ScheduleAnyway`): it decides only among what is possible. */
  hard: boolean;
  /** With fewer domains than this the emptiest counts as empty. */
  minDomains?: number;
}

/** Replicas times clusters that are looked at one by one at most; more would hold up all other decisions. */
export const MAX_STEPS = 20_000_000;

interface Input {
  desired: number;
  clusters: readonly Room[];
  strategy: 'Spread' | 'Binpack';
  constraints: readonly SpreadConstraint[];
  minClusters?: number;
}

/**
 * Divides under topology spread constraints, replica by replica, as the scheduler of Kubernetes does with pods: one may go to a domain
 * if that is then not more than `maxSkew` ahead of the emptiest. What is in place stays, unless it breaks a constraint and one move
 * mends it.
 *
 * @throws RangeError when there are too many replicas to look at each
 */
export function divideOverDomains({ desired, clusters, strategy, constraints, minClusters = 0 }: Input): {
  replicas: number[];
  short: number;
} {
  const hard = constraints.filter((constraint) => constraint.hard);
  // A cluster without the label is in no domain.
  const open = clusters.map(({ labels }) => hard.every(({ topologyKey }) => labels?.[topologyKey] !== undefined));
  const board = new Board(clusters, { constraints, open });
  const change = Math.abs(desired - board.total);
  if (change * clusters.length > MAX_STEPS) {
    throw new RangeError(
      `topologySpreadConstraints take at most ${Math.floor(MAX_STEPS / clusters.length)} replicas at once for ${clusters.length} clusters, and ${change} are to be placed`,
    );
  }
  while (board.total > desired && board.remove(strategy));
  while (board.total < desired && board.add(strategy, minClusters));
  board.mend(strategy);
  return { replicas: board.replicas, short: desired - board.total };
}

class Board {
  readonly replicas: number[];
  total: number;
  readonly #clusters: readonly Room[];
  readonly #free: number[];
  readonly #open: readonly boolean[];
  readonly #constraints: readonly SpreadConstraint[];
  /** Replicas per domain, one map per constraint. */
  readonly #domains: Map<string, number>[];

  constructor(clusters: readonly Room[], o: { constraints: readonly SpreadConstraint[]; open: readonly boolean[] }) {
    this.#clusters = clusters;
    this.#open = o.open;
    this.#constraints = o.constraints;
    this.replicas = clusters.map(({ current }, i) => (o.open[i] === true ? current : 0));
    this.#free = clusters.map(({ free }, i) => (o.open[i] === true ? free : 0));
    this.total = this.replicas.reduce((a, b) => a + b, 0);
    this.#domains = o.constraints.map(({ topologyKey }) => {
      const counts = new Map<string, number>();
      for (const [i, { labels }] of clusters.entries()) {
        const domain = labels?.[topologyKey];
        if (domain === undefined || o.open[i] !== true) continue;
        counts.set(domain, (counts.get(domain) ?? 0) + (this.replicas[i] ?? 0));
      }
      return counts;
    });
  }

  /** Puts one replica where it may go; false when there is no such place. */
  add(strategy: 'Spread' | 'Binpack', minClusters: number): boolean {
    const widen = this.replicas.filter((count) => count > 0).length < minClusters;
    const least = this.#least();
    const place = this.#best(
      (i) => (this.#free[i] ?? 0) > 0 && this.#allowed(i, least),
      (a, b) => this.#beforeAdding(a, b, { strategy, widen }),
    );
    if (place === undefined) return false;
    this.#change(place, 1);
    return true;
  }

  /** Takes one replica from the fullest domain; false when there is none. */
  remove(strategy: 'Spread' | 'Binpack'): boolean {
    const place = this.#best(
      (i) => (this.replicas[i] ?? 0) > 0,
      (a, b) =>
        this.#crowd(b) - this.#crowd(a) ||
        (strategy === 'Spread'
          ? (this.replicas[b] ?? 0) - (this.replicas[a] ?? 0)
          : (this.replicas[a] ?? 0) - (this.replicas[b] ?? 0)) ||
        byPlace(this.#clusters[b], this.#clusters[a]),
    );
    if (place === undefined) return false;
    this.#change(place, -1);
    return true;
  }

  /** Moves single replicas while that brings a hard constraint nearer to being kept. */
  mend(strategy: 'Spread' | 'Binpack'): void {
    for (const [at, { hard, maxSkew, topologyKey }] of this.#constraints.entries()) {
      if (!hard) continue;
      for (let steps = this.total; steps > 0; steps--) {
        const least = this.#least()[at] ?? 0;
        const from = this.#best(
          (i) => (this.replicas[i] ?? 0) > 0 && this.#count(at, i) - least > maxSkew,
          (a, b) => this.#count(at, b) - this.#count(at, a) || (this.replicas[b] ?? 0) - (this.replicas[a] ?? 0),
        );
        if (from === undefined) break;
        this.#change(from, -1);
        const lows = this.#least();
        const to = this.#best(
          (i) =>
            (this.#free[i] ?? 0) > 0 &&
            this.#clusters[i]?.labels?.[topologyKey] !== this.#clusters[from]?.labels?.[topologyKey] &&
            this.#allowed(i, lows),
          (a, b) => this.#count(at, a) - this.#count(at, b) || this.#beforeAdding(a, b, { strategy, widen: false }),
        );
        this.#change(to ?? from, 1);
        if (to === undefined) break;
      }
    }
  }

  #change(i: number, by: 1 | -1): void {
    this.replicas[i] = (this.replicas[i] ?? 0) + by;
    this.#free[i] = (this.#free[i] ?? 0) - by;
    this.total += by;
    for (const [at, { topologyKey }] of this.#constraints.entries()) {
      const domain = this.#clusters[i]?.labels?.[topologyKey];
      const counts = this.#domains[at];
      if (domain !== undefined && counts !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + by);
    }
  }

  #least(): number[] {
    return this.#constraints.map(({ minDomains = 1 }, at) => {
      const counts = this.#domains[at] ?? new Map<string, number>();
      if (counts.size < minDomains) return 0;
      let least = Infinity;
      for (const count of counts.values()) least = Math.min(least, count);
      return least;
    });
  }

  #allowed(i: number, least: readonly number[]): boolean {
    return this.#constraints.every(({ hard, maxSkew }, at) => !hard || this.#count(at, i) + 1 - (least[at] ?? 0) <= maxSkew);
  }

  #count(at: number, i: number): number {
    const key = this.#constraints[at]?.topologyKey ?? '';
    return this.#domains[at]?.get(this.#clusters[i]?.labels?.[key] ?? '') ?? 0;
  }

  /** How full the domains of a cluster are, over all constraints. */
  #crowd(i: number): number {
    let sum = 0;
    for (const at of this.#constraints.keys()) sum += this.#count(at, i);
    return sum;
  }

  #beforeAdding(a: number, b: number, { strategy, widen }: { strategy: 'Spread' | 'Binpack'; widen: boolean }): number {
    const [x, y] = [this.#clusters[a], this.#clusters[b]];
    if (x === undefined || y === undefined) return 0;
    const empty = (i: number) => (this.replicas[i] === 0 ? 1 : 0);
    if (widen && empty(a) !== empty(b)) return empty(b) - empty(a);
    const even = this.#crowd(a) - this.#crowd(b);
    if (even !== 0) return even;
    if (x.tier !== y.tier) return y.tier - x.tier;
    if (strategy === 'Binpack') return empty(a) - empty(b) || y.free - x.free || byPlace(x, y);
    // The one that stays emptiest in proportion to its room.
    const [here, there] = [(this.replicas[a] ?? 0) + 1 - x.current, (this.replicas[b] ?? 0) + 1 - y.current];
    return here * y.free - there * x.free || byPlace(x, y);
  }

  #best(accept: (i: number) => boolean, order: (a: number, b: number) => number): number | undefined {
    let best: number | undefined;
    for (let i = 0; i < this.#clusters.length; i++) {
      if (this.#open[i] !== true || !accept(i)) continue;
      if (best === undefined || order(i, best) < 0) best = i;
    }
    return best;
  }
}
