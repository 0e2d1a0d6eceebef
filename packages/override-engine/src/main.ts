// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type Globalization,
  type HelmChart,
  type Localization,
  type ManagedCluster,
  type Manifest,
  names,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { aborted, EventRecorder, Informer, runService, Stack } from '@clusternet/runtime';
import * as z from 'zod';
import { baseKeyOf, byBase } from './service/latestDescriptions.ts';
import { OverrideEngine } from './service/overrideEngine.ts';
import { onlyLabels } from './service/onlyLabels.ts';
import { onlyRollout } from './service/rollouts.ts';
import { withoutObserved } from './service/withoutObserved.ts';

const version = process.env.CLUSTERNET_VERSION ?? 'dev';

await runService({
  name: names.overrideEngine,
  description: 'Renders what each cluster receives.',
  version,
  config: z.object({
    revisionHistoryLimit: z.coerce
      .number()
      .int()
      .min(0)
      .max(100)
      .default(10)
      .describe('how many earlier renderings of each Subscription are kept per cluster, for rollout undo; 0 keeps none'),
    reservedNamespace: z.string().min(1).default(names.reservedNamespace).describe('namespace of the Manifests'),
  }),
  gates: {},
  run: (context) =>
    context.elect(async (leading) => {
      const { client, config, logger, metrics } = context;
      const stack = new Stack();
      try {
        const recorder = stack.use(new EventRecorder({ client, component: names.overrideEngine, logger, metrics }));
        const bases = stack.use(new Informer<Base>({ client, resource: resources.bases, logger, metrics }));
        const manifests = stack.use(
          new Informer<Manifest>({
            client,
            resource: resources.manifests,
            namespace: config.reservedNamespace,
            logger,
            metrics,
          }),
        );
        const charts = stack.use(new Informer<HelmChart>({ client, resource: resources.helmCharts, logger, metrics }));
        const descriptions = stack.use(
          new Informer<Description>({
            client,
            resource: resources.descriptions,
            indexers: { [byBase]: (description) => [baseKeyOf(description)].filter((key) => key !== undefined) },
            transform: withoutObserved,
            logger,
            metrics,
          }),
        );
        const common = { client, logger, metrics };
        const localizations = stack.use(new Informer<Localization>({ ...common, resource: resources.localizations }));
        const globalizations = stack.use(new Informer<Globalization>({ ...common, resource: resources.globalizations }));
        const clusters = stack.use(
          new Informer<ManagedCluster>({ ...common, resource: resources.managedClusters, transform: onlyLabels }),
        );
        const subscriptions = stack.use(
          new Informer<Subscription>({ ...common, resource: resources.subscriptions, transform: onlyRollout }),
        );
        const informers = { bases, manifests, charts, descriptions, localizations, globalizations, clusters, subscriptions };
        const engine = stack.use(
          new OverrideEngine({
            ...common,
            ...informers,
            recorder,
            reservedNamespace: config.reservedNamespace,
            historyLimit: config.revisionHistoryLimit,
            signal: leading,
          }),
        );
        for (const informer of Object.values(informers)) informer.start();
        await engine.start(leading);
        logger.info('rendering');
        await aborted(leading);
      } finally {
        await stack.close();
      }
    }),
});
