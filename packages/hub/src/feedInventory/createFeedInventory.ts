// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmChart, type Manifest, resources } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { closeAll, dropManagedFields, Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { FeedInventoryController, feedIndexers, withoutContents } from './feedInventoryController.ts';

/** What {@link createFeedInventory} needs. */
export interface FeedInventoryOptions {
  client: KubeClient;
  reservedNamespace: string;
  /** All Manifests, with {@link feedIndexers}, where somebody follows them already. */
  manifests?: Informer<Manifest>;
  logger: Logger;
  metrics: Metrics;
}

/** The controller with the informers that only it needs; resolves when these show what is there. */
export async function createFeedInventory(
  context: ControllerContext,
  { client, reservedNamespace, manifests: shared, logger, metrics }: FeedInventoryOptions,
  signal: AbortSignal,
): Promise<Controller> {
  const common = { client, logger, metrics };
  const manifests =
    shared ??
    new Informer<Manifest>({
      ...common,
      resource: resources.manifests,
      namespace: reservedNamespace,
      indexers: feedIndexers,
      transform: withoutContents,
    });
  const helmCharts = new Informer<HelmChart>({ ...common, resource: resources.helmCharts, transform: dropManagedFields });
  const own = shared ? [helmCharts] : [manifests, helmCharts];
  try {
    for (const informer of own) informer.start();
    await Promise.all([manifests.waitForSync(signal), helmCharts.waitForSync(signal)]);
  } catch (error) {
    await closeAll(...own);
    throw error;
  }
  const controller = new FeedInventoryController(context, { manifests, helmCharts });
  return { start: () => controller.start(), close: () => closeAll(...own, controller) };
}
