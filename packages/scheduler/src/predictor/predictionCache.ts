// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster, type ReplicaRequirements } from '@clusternet/api-types';
import { toError } from '@clusternet/runtime';
import { type PredictorClient } from './predictorClient.ts';

/** A prediction, why there is none, or when there will be one. */
export type Predicted = { replicas: number; at: number } | { problem: string } | { pending: Promise<void> };

/** Options of {@link PredictionCache}. */
export interface PredictionCacheOptions {
  client: PredictorClient;
  /** For how long an answer is good; default 30 s. */
  ttlMs?: number;
  /** For how long a child that failed is not asked again; default 15 s. */
  failureTtlMs?: number;
  /** Longest wait for one answer; default 5 s. */
  timeoutMs?: number;
  /** Children asked at the same time; default 64. */
  parallel?: number;
  /** Milliseconds; default `Date.now`. */
  now?: () => number;
}

interface Entry {
  until: number;
  answer: Predicted;
}

/**
 * Predictions by cluster and requirements. Nobody waits inside: what is not known yet is asked for in the background, so that one slow
 * child holds up no decision but those that need it.
 */
export class PredictionCache {
  readonly #o: Required<Omit<PredictionCacheOptions, 'client'>> & { client: PredictorClient };
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #pruneAt = -Infinity;

  constructor(options: PredictionCacheOptions) {
    const { client, ttlMs = 30_000, failureTtlMs = 15_000, timeoutMs = 5_000, parallel = 64, now = Date.now } = options;
    this.#o = { client, ttlMs, failureTtlMs, timeoutMs, parallel, now };
  }

  /** What is known. `key` names the requirements. */
  get(cluster: ManagedCluster, { key, requirements }: { key: string; requirements: ReplicaRequirements }): Predicted {
    const { metadata, status, spec } = cluster;
    // A child that came back elsewhere, or was made anew, is another one.
    const id = [metadata.namespace, metadata.name, spec.clusterId, status?.predictorAddress, key].join('\n');
    const known = this.#entries.get(id);
    const now = this.#o.now();
    if (known !== undefined && (known.until > now || 'pending' in known.answer)) return known.answer;
    this.#prune(now);
    const answer = { pending: this.#ask(id, cluster, requirements) };
    this.#entries.set(id, { until: Infinity, answer });
    return answer;
  }

  /** Answers held, those under way included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Drops what nobody asked for again, now and then: clusters leave, and requirements change. */
  #prune(now: number): void {
    if (now < this.#pruneAt) return;
    this.#pruneAt = now + this.#o.ttlMs;
    for (const [id, { until }] of this.#entries) if (until <= now) this.#entries.delete(id);
  }

  async #ask(id: string, cluster: ManagedCluster, requirements: ReplicaRequirements): Promise<void> {
    await this.#turn();
    const { client, ttlMs, failureTtlMs, timeoutMs, now } = this.#o;
    try {
      const at = now();
      const replicas = await client.predict(cluster, requirements, AbortSignal.timeout(timeoutMs));
      this.#entries.set(id, { until: now() + ttlMs, answer: { replicas, at } });
    } catch (error) {
      const { name, message } = toError(error);
      const problem = name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : message;
      this.#entries.set(id, { until: now() + failureTtlMs, answer: { problem } });
    } finally {
      const next = this.#waiting.shift();
      // The place is handed on, or free.
      if (next) next();
      else this.#running--;
    }
  }

  /** Takes a place at once, as many ask in one turn; resolves in a later one: the entry has to be there before it is replaced. */
  #turn(): Promise<void> {
    if (this.#running >= this.#o.parallel) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#running++;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
