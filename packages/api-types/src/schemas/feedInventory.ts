// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { feedFields, tolerationSchema } from './common.ts';
import { affinitySchema, resourceRequirementsSchema } from './core.ts';
import { atomicList, atomicMap, int32, list, map, object, string } from './dsl.ts';
import { kindOf } from './kind.ts';

export const replicaRequirementsSchema = object('What one replica needs to run.', {
  nodeSelector: map('Labels a node must have.', string('Label value.'), atomicMap).optional(),
  tolerations: list('Taints of nodes that are accepted.', tolerationSchema, { extensions: atomicList }).optional(),
  affinity: affinitySchema.optional(),
  resources: resourceRequirementsSchema.optional(),
  volumeClaims: list('Claims that it mounts, as namespace/name.', string('namespace/name of a PersistentVolumeClaim.'), {
    extensions: atomicList,
  }).optional(),
  storageClassNames: list('Classes of the volumes that are made for it.', string('Name of a StorageClass.'), {
    extensions: atomicList,
  }).optional(),
});
export type ReplicaRequirements = z.input<typeof replicaRequirementsSchema>;

export const feedOrderSchema = object(
  'Replicas of one feed.',
  {
    ...feedFields,
    desiredReplicas: int32('Replicas that the object asks for; absent for kinds without replicas.').optional(),
    replicaJsonPath: string('JSON pointer to the replicas in the object; needed with desiredReplicas.', { max: 4096 }).optional(),
    replicaRequirements: replicaRequirementsSchema.optional(),
  },
  {
    rules: [
      {
        rule: "!has(self.desiredReplicas) || (has(self.replicaJsonPath) && self.replicaJsonPath != '')",
        message: 'replicaJsonPath is required with desiredReplicas',
        check: ({ desiredReplicas, replicaJsonPath = '' }) => desiredReplicas === undefined || replicaJsonPath !== '',
        field: 'replicaJsonPath',
      },
    ],
  },
);
export type FeedOrder = z.input<typeof feedOrderSchema>;

export const feedInventorySpecSchema = object('Replicas of all feeds.', {
  feeds: list('One entry per feed of the Subscription, in the same order.', feedOrderSchema, {
    max: 16384,
    extensions: atomicList,
  }),
});
export type FeedInventorySpec = z.input<typeof feedInventorySpecSchema>;

export const feedInventorySchema = kindOf(
  resources.feedInventories,
  'Replicas and requirements of the feeds of the Subscription of the same name; needed to divide replicas.',
  { spec: feedInventorySpecSchema },
);
export type FeedInventory = z.input<typeof feedInventorySchema>;
