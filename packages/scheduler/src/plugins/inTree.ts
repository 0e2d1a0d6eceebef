// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import * as z from 'zod';
import { type PluginRegistry } from '../framework/plugin.ts';
import { type PluginSet } from '../framework/profile.ts';
import { PredictionCache } from '../predictor/predictionCache.ts';
import { type PredictorClient } from '../predictor/predictorClient.ts';
import { type Promises } from '../capacity/promises.ts';
import { apiAvailability } from './apiAvailability.ts';
import { clusterAffinity } from './clusterAffinity.ts';
import { clusterReadiness } from './clusterReadiness.ts';
import { type BindingWriter, defaultBinder } from './defaultBinder.ts';
import { dynamicAssigner } from './dynamicAssigner.ts';
import { feedInventoryReady } from './feedInventoryReady.ts';
import { notDeleting } from './notDeleting.ts';
import { predictor } from './predictor.ts';
import { preferredClusters } from './preferredClusters.ts';
import { staticAssigner } from './staticAssigner.ts';
import { taintToleration } from './taintToleration.ts';

/** What the in-tree plugins need of the service. */
export interface InTreeOptions {
  predictorClient: PredictorClient;
  promises: Promises;
  writer: BindingWriter;
  now?: () => number;
}

const noArgs = z.undefined().or(z.strictObject({}));

const predictorArgs = z
  .strictObject({
    cacheSeconds: z.number().positive().max(3600).optional(),
    failureCacheSeconds: z.number().positive().max(3600).optional(),
    timeoutSeconds: z.number().positive().max(60).optional(),
    parallel: z.int().min(1).max(1024).optional(),
  })
  .default({});

/** The plugins that come with the scheduler. */
export function inTreeRegistry({ predictorClient, promises, writer, now }: InTreeOptions): PluginRegistry {
  const plain = [
    apiAvailability,
    clusterAffinity,
    clusterReadiness,
    dynamicAssigner,
    feedInventoryReady,
    notDeleting,
    preferredClusters,
    staticAssigner,
    taintToleration,
    defaultBinder(writer),
  ];
  const factories = plain.map((plugin) => {
    const factory = (args: unknown) => {
      if (!noArgs.safeParse(args).success) throw new Error('it takes no args');
      return plugin;
    };
    return [plugin.name, factory] as const;
  });
  return {
    ...Object.fromEntries(factories),
    Predictor: (args) => {
      const result = predictorArgs.safeParse(args ?? {});
      if (!result.success) throw new Error(`args: ${z.prettifyError(result.error)}`);
      const { cacheSeconds, failureCacheSeconds, timeoutSeconds, parallel } = result.data;
      const ms = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);
      const cache = new PredictionCache({
        client: predictorClient,
        ttlMs: ms(cacheSeconds),
        failureTtlMs: ms(failureCacheSeconds),
        timeoutMs: ms(timeoutSeconds),
        parallel,
        now,
      });
      return predictor({ cache, promises });
    },
  };
}

const enabled = (...names: string[]) => names.map((name) => ({ name, weight: 1 }));

/** The plugins that a profile has unless it says otherwise. */
export const defaultPlugins: PluginSet = {
  preFilter: enabled('FeedInventory'),
  filter: enabled('ClusterAffinity', 'NotDeleting', 'TaintToleration', 'ClusterReadiness', 'APIAvailability'),
  postFilter: [],
  prePredict: enabled('DynamicAssigner'),
  predict: enabled('Predictor'),
  preScore: enabled('PreferredClusters'),
  score: [
    { name: 'TaintToleration', weight: 3 },
    { name: 'PreferredClusters', weight: 1 },
  ],
  preAssign: enabled('DynamicAssigner'),
  assign: enabled('DynamicAssigner', 'StaticAssigner'),
  postAssign: [],
  reserve: [],
  permit: [],
  preBind: [],
  bind: enabled('DefaultBinder'),
  postBind: [],
};
