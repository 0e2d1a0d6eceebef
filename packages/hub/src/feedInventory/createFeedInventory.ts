// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmChart, type Manifest, resources } from '@clusternet/api-types';
import { type KubeClient } from '@clusternet/client';
import { closeAll, dropManagedFields, Informer, type Logger, type Metrics } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { byFeed, byKind, FeedInventoryController, feedOfManifest, withoutContents } from './feedInventoryController.ts';

/** What {@link createFeedInventory} needs. */
export interface FeedInventoryOptions {
  client: KubeClient;
  reservedNamespace: string;
  logger: Logger;
  metrics: Metrics;
}

/** The controller with the informers that only it needs; resolves when these show what is there. */
export async function createFeedInventory(
  context: ControllerContext,
  { client, reservedNamespace, logger, metrics }: FeedInventoryOptions,
  signal: AbortSignal,
): Promise<Controller> {
  const shared = { client, logger, metrics };
  const manifests = new Informer<Manifest>({
    ...shared,
    resource: resources.manifests,
    namespace: reservedNamespace,
    indexers: { [byFeed]: feedOfManifest, [byKind]: ({ template }) => [template.kind] },
    transform: withoutContents,
  });
  const helmCharts = new Informer<HelmChart>({ ...shared, resource: resources.helmCharts, transform: dropManagedFields });
  try {
    manifests.start();
    helmCharts.start();
    await Promise.all([manifests.waitForSync(signal), helmCharts.waitForSync(signal)]);
  } catch (error) {
    await closeAll(manifests, helmCharts);
    throw error;
  }
  const controller = new FeedInventoryController(context, { manifests, helmCharts });
  return { start: () => controller.start(), close: () => closeAll(manifests, helmCharts, controller) };
}
