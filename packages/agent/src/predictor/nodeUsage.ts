// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Change } from '@clusternet/runtime';
import { type Amounts } from './amounts.ts';
import { type PodSummary } from './podSummary.ts';

/** What the pods of one node take together. */
export interface Usage {
  requests: Amounts;
  pods: number;
}

const none: Usage = { requests: {}, pods: 0 };

/** Sums over the pods of each node, kept up to date change by change: a prediction must not add up all pods of a cluster. */
export class NodeUsage {
  readonly #nodes = new Map<string, { requests: Record<string, number>; pods: number }>();

  /** Handler for an informer of pods. */
  changed({ type, object, previous }: Pick<Change<PodSummary>, 'type' | 'object' | 'previous'>): void {
    if (type === 'deleted') return this.#count(object, -1);
    if (previous) this.#count(previous, -1);
    this.#count(object, 1);
  }

  of(node: string): Usage {
    return this.#nodes.get(node) ?? none;
  }

  #count({ node, requests }: PodSummary, sign: 1 | -1): void {
    const usage = this.#nodes.get(node) ?? { requests: {}, pods: 0 };
    usage.pods += sign;
    if (usage.pods <= 0) {
      this.#nodes.delete(node);
      return;
    }
    for (const [resource, amount] of Object.entries(requests)) {
      usage.requests[resource] = (usage.requests[resource] ?? 0) + sign * amount;
    }
    this.#nodes.set(node, usage);
  }
}
