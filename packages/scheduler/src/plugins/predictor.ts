// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type FeedOrder, stableStringify } from '@clusternet/api-types';
import { displaced, estimate, MAX_REPLICAS, requestOf } from '../capacity/estimate.ts';
import { type Promises } from '../capacity/promises.ts';
import { type Amounts } from '../capacity/quantity.ts';
import { type Cycle, type ClusterInfo, type Plugin } from '../framework/plugin.ts';
import { type Status, unschedulable } from '../framework/status.ts';
import { type PredictionCache } from '../predictor/predictionCache.ts';
import { hasPredictor } from '../predictor/predictorClient.ts';

/** Promises of the last moments before a prediction count too: their pods may not have been there yet. */
const SETTLING_MS = 30_000;

/** What the Predictor plugin is made of. */
export interface PredictorOptions {
  cache: Pick<PredictionCache, 'get'>;
  promises: Pick<Promises, 'in' | 'since'>;
}

interface Known {
  request: Amounts;
  key: string;
}

/**
 * Tells how many more replicas fit: by the child's predictor where it has one, less what was promised since it answered; else by what
 * its agent reports, less everything that was promised there.
 */
export function predictor({ cache, promises }: PredictorOptions): Plugin {
  const known = new WeakMap<FeedOrder, Known>();
  const learn = (order: FeedOrder): Known => {
    const facts = known.get(order) ?? {
      request: requestOf(order.replicaRequirements),
      key: stableStringify(order.replicaRequirements ?? {}),
    };
    known.set(order, facts);
    return facts;
  };

  return {
    name: 'Predictor',
    predict({ feeds }: Cycle, { key: name, cluster }: ClusterInfo): { replicas: Record<string, number> } | Status {
      const replicas: Record<string, number> = {};
      for (const { key: feed, order } of feeds) {
        const { request, key } = learn(order);
        if (hasPredictor(cluster)) {
          const answer = cache.get(cluster, { key, requirements: order.replicaRequirements ?? {} });
          if ('pending' in answer) return { code: 'Wait', until: answer.pending };
          if ('problem' in answer) return unschedulable(`had a predictor that failed (${answer.problem.slice(0, 200)})`);
          const taken = displaced(promises.since(name, answer.at - SETTLING_MS), request);
          replicas[feed] = Math.min(MAX_REPLICAS, Math.max(0, answer.replicas - taken));
          continue;
        }
        const room = estimate(cluster.status, { request, promised: promises.in(name) });
        if (room === undefined) return unschedulable('had not reported what their nodes offer');
        replicas[feed] = room;
      }
      return { replicas };
    },
  };
}
