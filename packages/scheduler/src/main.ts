// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { featureGates, names, resources, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { aborted, EventRecorder, Informer, runService, Stack } from '@clusternet/runtime';
import * as z from 'zod';
import { subscriptionIndexers } from './concern.ts';
import { SubscriptionScheduler } from './subscriptionScheduler.ts';

const version = process.env.CLUSTERNET_VERSION ?? 'dev';

await runService({
  name: names.scheduler,
  description: 'Decides which clusters each Subscription goes to.',
  version,
  config: z.object({}),
  gates: { [featureGates.failOver]: false, [featureGates.feasibleClustersToleration]: false },
  run: (context) =>
    context.elect(async (leading) => {
      const { client, logger, metrics } = context;
      const stack = new Stack();
      try {
        const recorder = stack.use(new EventRecorder({ client, component: names.scheduler, logger, metrics }));
        const subscriptions = stack.use(
          new Informer<Subscription>({
            client,
            resource: resources.subscriptions,
            indexers: subscriptionIndexers,
            logger,
            metrics,
          }),
        );
        const clusters = stack.use(
          new Informer<ManagedCluster>({
            client,
            resource: resources.managedClusters,
            // Placement does not look at the status, which is most of the object.
            transform: ({ apiVersion, kind, metadata: { managedFields: _, ...metadata }, spec }) => ({
              apiVersion,
              kind,
              metadata,
              spec,
            }),
            logger,
            metrics,
          }),
        );
        const scheduler = stack.use(
          new SubscriptionScheduler({ client, subscriptions, clusters, recorder, logger, metrics, signal: leading }),
        );
        subscriptions.start();
        clusters.start();
        await scheduler.start(leading);
        logger.info('scheduling');
        await aborted(leading);
      } finally {
        await stack.close();
      }
    }),
});
