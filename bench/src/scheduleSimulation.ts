// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type FeedInventory, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { silentLogger } from '@clusternet/runtime';
import {
  buildFrameworks,
  type ClusterInfo,
  decide,
  type Framework,
  idleHandle,
  inTreeRegistry,
  Promises,
  snapshotOf,
} from '@clusternet/scheduler';

/** How the Subscriptions of a simulation are placed. */
export type Strategy = 'Replication' | 'Static' | 'Spread' | 'Binpack';

/** What came of a simulation. */
export interface SimulationResult {
  /** Decisions per second of processor time. */
  perSecond: number;
  heapMegabytes: number;
  /** Replicas that were started somewhere, over all decisions after the first. */
  moved: number;
  /** The fewest that the same changes could have moved. */
  least: number;
}

const zones = ['a', 'b', 'c', 'd', 'e'];

/** Replicas that a Subscription divides. */
const REPLICAS = 400;

/** A small generator of numbers, the same in each run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Clusters and Subscriptions in memory, decided again and again while clusters come, go, fill up and are tainted. */
export class Simulation {
  readonly #strategy: Strategy;
  readonly #random = generator(7);
  readonly #clusters = new Map<string, ManagedCluster>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #inventories = new Map<string, FeedInventory>();
  readonly #framework: Framework;
  #snapshot: ClusterInfo[] | undefined;

  private constructor(strategy: Strategy, framework: Framework) {
    this.#strategy = strategy;
    this.#framework = framework;
  }

  static async create(o: { strategy: Strategy; clusters: number; subscriptions: number }): Promise<Simulation> {
    const registry = inTreeRegistry({
      predictorClient: { predict: async () => 40 },
      promises: new Promises(),
      writer: { bind: async () => undefined },
    });
    const [framework] = await buildFrameworks([{ schedulerName: 'default' }], {
      registry,
      pluginTimeoutMs: 5_000,
      handleOf: (name) => idleHandle(name, silentLogger),
    });
    if (framework === undefined) throw new Error('no profile was made');
    const simulation = new Simulation(o.strategy, framework);
    for (let i = 0; i < o.clusters; i++) simulation.#addCluster(i);
    for (let i = 0; i < o.subscriptions; i++) simulation.#addSubscription(i);
    return simulation;
  }

  /** Decides every Subscription, with `changes` of the fleet before each, `rounds` times. */
  async run({ rounds, changes }: { rounds: number; changes: number }): Promise<SimulationResult> {
    // Predictions are there before anything is measured.
    for (const key of this.#subscriptions.keys()) await this.#decide(key);
    let [moved, least, decisions, ms] = [0, 0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      for (const key of this.#subscriptions.keys()) {
        for (let i = 0; i < changes; i++) this.#disturb();
        const start = process.cpuUsage();
        const result = await this.#decide(key);
        const { user, system } = process.cpuUsage(start);
        ms += (user + system) / 1000;
        decisions++;
        moved += result.moved;
        least += result.least;
      }
    }
    return { perSecond: decisions / (ms / 1000), heapMegabytes: process.memoryUsage().heapUsed / 2 ** 20, moved, least };
  }

  async #decide(key: string): Promise<{ moved: number; least: number }> {
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined) throw new Error(`there is no Subscription ${key}`);
    this.#snapshot ??= snapshotOf([...this.#clusters.values()]);
    for (;;) {
      const { decision, until } = await decide({
        framework: this.#framework,
        subscription,
        clusters: this.#snapshot,
        inventory: this.#inventories.get(key),
        absentForMs: () => 60_000,
        now: new Date(),
      });
      if (until) {
        await until;
        continue;
      }
      const { bindings, replicas, specHash, scheduled } = decision;
      if (scheduled.reason !== 'Scheduled') throw new Error(`${key}: ${scheduled.reason}: ${scheduled.message}`);
      const status = { bindingClusters: bindings, specHash, desiredReleases: bindings.length, ...(replicas && { replicas }) };
      this.#subscriptions.set(key, { ...subscription, status });
      return this.#moves(subscription, { ...subscription, status });
    }
  }

  #moves(before: Subscription, after: Subscription): { moved: number; least: number } {
    const [from, to] = [sharesOf(before), sharesOf(after)];
    let moved = 0;
    for (const [cluster, count] of to) moved += Math.max(0, count - (from.get(cluster) ?? 0));
    const kept = [...from].filter(([cluster]) => this.#clusters.has(cluster) && !this.#evicts(cluster));
    const wanted = [...to.values()].reduce((a, b) => a + b, 0);
    if (this.#strategy === 'Static') return { moved, least: leastByWeights(from, [...to.keys()], { wanted, weightOf: () => 1 }) };
    return { moved, least: Math.max(0, wanted - kept.reduce((sum, [, count]) => sum + count, 0)) };
  }

  #evicts(cluster: string): boolean {
    return this.#clusters.get(cluster)?.spec.taints?.some(({ effect }) => effect === 'NoExecute') === true;
  }

  #addCluster(i: number): void {
    const name = `c${i}`;
    this.#snapshot = undefined;
    this.#clusters.set(`${name}/${name}`, {
      apiVersion: 'clusters.clusternet.io/v1beta1',
      kind: 'ManagedCluster',
      metadata: { name, namespace: name, labels: { fleet: 'yes', zone: zones[i % zones.length] ?? '' } },
      spec: { clusterId: `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`, syncMode: 'Pull' },
      status: { useSocket: true, predictorEnabled: true, predictorAddress: 'http://localhost:8080' },
    });
  }

  #addSubscription(i: number): void {
    const name = `app${i}`;
    const feed = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name };
    const subscribers = [{ clusterAffinity: { matchLabels: { fleet: 'yes' } }, weight: 1 }];
    const dividing =
      this.#strategy === 'Static'
        ? { type: 'Static' as const }
        : { type: 'Dynamic' as const, dynamicDividing: { strategy: this.#strategy as 'Spread' } };
    this.#subscriptions.set(name, {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Subscription',
      metadata: { name, namespace: 'default', uid: name },
      spec: {
        subscribers,
        feeds: [feed],
        ...(this.#strategy === 'Replication' ? {} : { schedulingStrategy: 'Dividing' as const, dividingScheduling: dividing }),
      },
    });
    this.#inventories.set(name, {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'FeedInventory',
      metadata: { name, namespace: 'default' },
      spec: { feeds: [{ ...feed, desiredReplicas: REPLICAS, replicaJsonPath: '/spec/replicas' }] },
    });
  }

  /** A cluster leaves, comes back, is tainted or is rid of its taints. */
  #disturb(): void {
    const keys = [...this.#clusters.keys()];
    const key = keys[Math.floor(this.#random() * keys.length)] ?? '';
    const cluster = this.#clusters.get(key);
    if (cluster === undefined) return;
    this.#snapshot = undefined;
    const what = this.#random();
    if (what < 0.25) {
      this.#clusters.delete(key);
      this.#addCluster(keys.length + Math.floor(this.#random() * 1e6));
    } else {
      const effects = ['NoSchedule', 'NoExecute', undefined] as const;
      const effect = effects[Math.floor(this.#random() * effects.length)];
      this.#clusters.set(key, { ...cluster, spec: { ...cluster.spec, taints: effect && [{ key: 'trouble', effect }] } });
    }
  }
}

function sharesOf({ status }: Subscription): Map<string, number> {
  const [list = []] = Object.values(status?.replicas ?? {});
  return new Map((status?.bindingClusters ?? []).map((cluster, i) => [cluster, list[i] ?? 0]));
}

/** The fewest moves to any division that gives each cluster its quota, rounded either way. */
function leastByWeights(
  from: ReadonlyMap<string, number>,
  clusters: readonly string[],
  { wanted, weightOf }: { wanted: number; weightOf: (cluster: string) => number },
): number {
  const weight = clusters.reduce((sum, cluster) => sum + weightOf(cluster), 0);
  const floors = clusters.map((cluster) => Math.floor((wanted * weightOf(cluster)) / weight));
  const present = clusters.map((cluster) => from.get(cluster) ?? 0);
  const left = wanted - floors.reduce((a, b) => a + b, 0);
  const more = present.filter((count, i) => count > (floors[i] ?? 0)).length;
  return floors.reduce((sum, floor, i) => sum + Math.max(0, floor - (present[i] ?? 0)), 0) + Math.max(0, left - more);
}
