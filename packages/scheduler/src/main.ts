// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { dirname } from 'node:path';
import {
  featureGates,
  names,
  resources,
  type FeedInventory,
  type ManagedCluster,
  type Subscription,
} from '@clusternet/api-types';
import { KubeClient } from '@clusternet/client';
import { aborted, dropManagedFields, EventRecorder, Informer, runService, silentLogger, Stack } from '@clusternet/runtime';
import { buildFrameworks, idleHandle } from './buildFrameworks.ts';
import { Promises } from './capacity/promises.ts';
import { withoutUnused } from './clusterSnapshot.ts';
import { subscriptionIndexers } from './concern.ts';
import { loadPluginModules } from './config/pluginModules.ts';
import { profilesOf, schedulerSettings } from './config/schedulerConfiguration.ts';
import { inTreeRegistry } from './plugins/inTree.ts';
import { HttpPredictorClient } from './predictor/predictorClient.ts';
import { SubscriptionScheduler } from './subscriptionScheduler.ts';

const version = process.env.CLUSTERNET_VERSION ?? 'dev';

await runService({
  name: names.scheduler,
  description: 'Decides which clusters each Subscription goes to, and how many replicas each cluster gets.',
  version,
  config: schedulerSettings,
  gates: { [featureGates.failOver]: false, [featureGates.feasibleClustersToleration]: false },
  run: async (context) => {
    const { client, config, gates, logger, metrics } = context;
    const profiles = profilesOf(config);
    const inTree = inTreeRegistry({
      predictorClient: new HttpPredictorClient({ client }),
      promises: new Promises(),
      writer: { bind: () => Promise.reject(new Error('the scheduler does not run')) },
    });
    const from = configFolder(process.argv);
    const registry = await loadPluginModules(config.pluginModules, { known: inTree, from });
    // Once for nothing but its errors: a replica that waits for its turn must not fail when it comes.
    const check = { registry, pluginTimeoutMs: config.pluginTimeout, handleOf: (name: string) => idleHandle(name, silentLogger) };
    await buildFrameworks(profiles, check);
    await context.elect(async (leading) => {
      const stack = new Stack();
      try {
        // A client of their own: a hundred bindings at once must not wait for a hundred events that tell of them.
        const telling = stack.use(
          await KubeClient.fromKubeConfig({
            path: config.kubeconfig,
            qps: config.kubeApiQps,
            burst: config.kubeApiBurst,
            userAgent: `${names.scheduler}/${version}`,
          }),
        );
        const recorder = stack.use(new EventRecorder({ client: telling, component: names.scheduler, logger, metrics }));
        const subscriptions = stack.use(
          new Informer<Subscription>({
            client,
            resource: resources.subscriptions,
            indexers: subscriptionIndexers,
            transform: withoutAggregated,
            logger,
            metrics,
          }),
        );
        const clusters = stack.use(
          new Informer<ManagedCluster>({
            client,
            resource: resources.managedClusters,
            transform: withoutUnused,
            logger,
            metrics,
          }),
        );
        const inventories = stack.use(
          new Informer<FeedInventory>({
            client,
            resource: resources.feedInventories,
            transform: dropManagedFields,
            logger,
            metrics,
          }),
        );
        for (const informer of [subscriptions, clusters, inventories]) informer.start();
        const scheduler = stack.use(
          await SubscriptionScheduler.create({
            client,
            subscriptions,
            clusters,
            inventories,
            recorder,
            logger,
            metrics,
            signal: leading,
            profiles,
            plugins: registry,
            pluginTimeoutMs: config.pluginTimeout,
            vanishedGraceMs: config.vanishedClusterGrace,
            percentageOfClustersToScore: config.percentageOfClustersToScore,
            percentageOfClustersToTolerate: gates.enabled(featureGates.feasibleClustersToleration)
              ? config.percentageOfClustersToTolerate
              : undefined,
          }),
        );
        await scheduler.start(leading);
        logger.info('scheduling', { profiles: profiles.map(({ schedulerName }) => schedulerName) });
        await aborted(leading);
      } finally {
        await stack.close();
      }
    });
  },
});

/** The hub's part of the status grows with the clusters and is nothing that a decision looks at. */
function withoutAggregated(subscription: Subscription): Subscription {
  const { metadata, status } = subscription;
  return {
    ...subscription,
    metadata: { ...metadata, managedFields: undefined },
    ...(status === undefined ? {} : { status: { ...status, aggregatedStatuses: undefined } }),
  };
}

/** Where the modules of a configuration file are looked for: beside the file. */
function configFolder(argv: readonly string[]): string {
  const at = argv.findIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  const path = at < 0 ? undefined : (argv[at]?.split('=')[1] ?? argv[at + 1]);
  return path === undefined ? process.cwd() : dirname(path);
}
