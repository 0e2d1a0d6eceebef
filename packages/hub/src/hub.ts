// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { featureGates, type HelmRelease, type Manifest, names } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { createHelmEngine, helmSettings } from '@clusternet/deployer';
import {
  type CommonConfig,
  EventRecorder,
  type FeatureGates,
  type Informer,
  type Logger,
  type Metrics,
  Stack,
} from '@clusternet/runtime';
import { Approver } from './approver/approver.ts';
import { createClusterDiscovery, discoversClusters } from './clusterApi/createClusterDiscovery.ts';
import { type HubConfig } from './config.ts';
import { type Controller, type ControllerContext } from './controller.ts';
import { createFeedInventory } from './feedInventory/createFeedInventory.ts';
import { ChartController } from './helmCharts/chartController.ts';
import { PullSecrets } from './helmCharts/pullSecrets.ts';
import { ChartCredentialsController, credentialsForPush } from './helmReleases/chartCredentials.ts';
import { ReleaseController } from './helmReleases/releaseController.ts';
import { guardedApi } from './kube/guardedApi.ts';
import { Lifecycle } from './lifecycle/lifecycle.ts';
import { NodeLabels } from './lifecycle/nodeLabels.ts';
import { deployerFactory } from './push/createDeployer.ts';
import { PushController } from './push/pushController.ts';
import { StatusController } from './status/statusController.ts';
import { ConnectedController, type Connectivity } from './sockets/connectedController.ts';
import { type Streams } from './sockets/streams.ts';
import { createInformers } from './stores.ts';
import { SubscriptionController } from './subscription/subscriptionController.ts';

/** What the hub needs to lead. */
export interface HubOptions {
  config: HubConfig & CommonConfig;
  gates: FeatureGates;
  client: KubeClient;
  logger: Logger;
  metrics: Metrics;
  version: string;
  /** Opens streams to the children that keep a tunnel. */
  streams: Streams;
  /** Tells which children are connected, where tunnels are on. */
  connectivity?: Connectivity;
  /** All Manifests, with the indexes of feeds, where the replica follows them anyway. */
  manifests?: Informer<Manifest>;
}

/**
 * Runs all controllers for one term of leadership, and ends when `leading` is aborted. Everything is made anew in each
 * term: nothing that was true in an earlier one is trusted.
 */
export async function lead(o: HubOptions, leading: AbortSignal): Promise<void> {
  const { config, gates, client, logger, metrics } = o;
  const stack = new Stack();
  try {
    const recorder = stack.use(new EventRecorder({ client, component: names.hub, logger, metrics }));
    const informers = stack.use(createInformers({ client, logger, metrics }));
    informers.start();
    // A cache that is not complete yet would read as "not there": nothing is decided before all of them are.
    await informers.waitForSync(leading);
    const { stores, descriptions, releases } = informers;
    const context: ControllerContext = {
      api: guardedApi(client, leading),
      stores,
      recorder,
      logger,
      metrics,
      signal: leading,
      now: () => new Date(),
    };
    const helm = createHelmEngine(helmSettings(config));
    const secrets = new PullSecrets({
      api: context.api,
      now: () => Date.now(),
      role: `${config.serviceName}-chart-secrets`,
      account: `${config.leaderElectResourceNamespace}:${config.serviceName}`,
    });
    const controllers: Controller[] = [
      new Approver(context, {
        approval: config.registrationApproval,
        credentialLifetimeMs: config.credentialLifetime,
        allowClearCredentials: config.allowClearCredentials,
        clusterInit: gates.enabled(featureGates.clusterInit),
        reservedNamespaces: [config.reservedNamespace],
        parent: client,
      }),
      new Lifecycle(context, {
        failover: {
          afterMs: config.failoverAfter,
          intervalMs: config.failoverInterval,
          maxShare: config.failoverMaxShare,
        },
        clusterInit: gates.enabled(featureGates.clusterInit),
      }),
      new NodeLabels(context),
      new SubscriptionController(context, config.gracefulMoveTimeout),
      new StatusController(context),
      new ChartController(context, { source: helm.source, secrets }),
      new ReleaseController(context),
      new ChartCredentialsController(context, secrets),
    ];
    if (gates.enabled(featureGates.deployer)) {
      const userAgent = `${names.hub}/${o.version}`;
      const recovery = gates.enabled(featureGates.recovery);
      const shared = { parent: client, descriptions, releases, recorder, logger, metrics, signal: leading, streams: o.streams };
      const credentials = (release: HelmRelease) => credentialsForPush({ stores, secrets }, release);
      const factory = deployerFactory({ ...shared, helm, credentials, recovery, userAgent });
      controllers.push(new PushController(context, factory));
    }
    if (o.connectivity) controllers.push(new ConnectedController(context, o.connectivity));
    if (gates.enabled(featureGates.feedInventory)) {
      const { reservedNamespace } = config;
      const { manifests } = o;
      controllers.push(await createFeedInventory(context, { client, reservedNamespace, manifests, logger, metrics }, leading));
    }
    if (discoversClusters(config)) {
      const tunnels = gates.enabled(featureGates.socketConnection);
      const shared = { config, client, helm, tunnels, version: o.version, signal: leading };
      controllers.push(await createClusterDiscovery(context, shared));
    }
    for (const controller of controllers) stack.use(controller).start();
    logger.info('leading');
    await new Promise<void>((resolve) => {
      if (leading.aborted) resolve();
      else leading.addEventListener('abort', () => resolve(), { once: true });
    });
  } catch (error) {
    if (!leading.aborted) throw error;
  } finally {
    await stack.close();
  }
}
