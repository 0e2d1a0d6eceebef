// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import type { ResourceKey } from '../resources.ts';
import { clusterRegistrationRequestSchema, managedClusterSchema } from './clusters.ts';
import { baseSchema, descriptionSchema, manifestSchema } from './description.ts';
import { feedInventorySchema } from './feedInventory.ts';
import { helmChartSchema, helmReleaseSchema } from './helm.ts';
import { serviceExportSchema, serviceImportSchema } from './multicluster.ts';
import { globalizationSchema, localizationSchema } from './overrides.ts';
import { socketSchema } from './proxies.ts';
import { subscriptionSchema } from './subscription.ts';

/** The schema of each kind, under the same keys as `resources`. */
export const schemas = {
  clusterRegistrationRequests: clusterRegistrationRequestSchema,
  managedClusters: managedClusterSchema,
  manifests: manifestSchema,
  subscriptions: subscriptionSchema,
  bases: baseSchema,
  descriptions: descriptionSchema,
  localizations: localizationSchema,
  globalizations: globalizationSchema,
  helmCharts: helmChartSchema,
  helmReleases: helmReleaseSchema,
  feedInventories: feedInventorySchema,
  sockets: socketSchema,
  serviceExports: serviceExportSchema,
  serviceImports: serviceImportSchema,
} as const satisfies Record<ResourceKey, z.ZodType>;

/** The static type of each kind, by its key. */
export type KindTypes = { [K in ResourceKey]: z.input<(typeof schemas)[K]> };
