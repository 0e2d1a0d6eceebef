// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { feedKey } from '../feed.ts';
import { resources } from '../resources.ts';
import { clusterId, clusterName } from './clusters.ts';
import { type Feed, conditions, feedFields, clusterSelector, tolerationSchema } from './common.ts';
import { preferredSchedulingTermSchema, topologySpreadConstraintSchema } from './core.ts';
import { atomicList, atomicMap, boolean, int32, int64, list, listMap, map, object, oneOf, string } from './dsl.ts';
import { kindOf } from './kind.ts';

/** How replicas are put on clusters: the full count on each, or a share. */
export const schedulingStrategies = ['Replication', 'Dividing'] as const;
export type SchedulingStrategy = (typeof schedulingStrategies)[number];

const dynamicDividing = object(
  'Shares by what the clusters can take.',
  {
    strategy: oneOf('Over as many clusters as possible, or over as few.', ['Spread', 'Binpack']).default('Spread'),
    topologySpreadConstraints: list('How the replicas spread over zones or regions.', topologySpreadConstraintSchema).optional(),
    preferredClusters: list('Clusters to be preferred.', preferredSchedulingTermSchema).optional(),
    minClusters: int32('Fewest clusters to use.').optional(),
    maxClusters: int32('Most clusters to use.').optional(),
  },
  {
    rules: [
      {
        rule: '!has(self.minClusters) || !has(self.maxClusters) || self.minClusters <= self.maxClusters',
        message: 'minClusters must not exceed maxClusters',
        check: ({ minClusters, maxClusters }) =>
          minClusters === undefined || maxClusters === undefined || minClusters <= maxClusters,
        field: 'minClusters',
      },
    ],
  },
);

const dividingScheduling = object(
  'How replicas are shared out.',
  {
    type: oneOf('By fixed weights, or by what the clusters can take.', ['Static', 'Dynamic']).default('Static'),
    dynamicDividing: dynamicDividing.optional(),
  },
  {
    rules: [
      {
        rule: "!has(self.type) || self.type != 'Dynamic' || has(self.dynamicDividing)",
        message: 'dynamicDividing is required when type is Dynamic',
        check: ({ type, dynamicDividing }) => type !== 'Dynamic' || dynamicDividing !== undefined,
        field: 'dynamicDividing',
      },
    ],
  },
);

const subscriberSchema = object('Clusters that receive the feeds.', {
  clusterAffinity: clusterSelector('Which ManagedClusters, by their labels; an empty selector takes all.'),
  weight: int32('Share of these clusters under Static dividing, relative to the other subscribers.', { min: 0 }).default(0),
  subGroupStrategy: object('How many of these clusters take part.', {
    minClusters: int32('Number of clusters to take.', { min: 0 }).default(0),
  }).optional(),
});
export type Subscriber = z.input<typeof subscriberSchema>;

/** The keys of a list map must always be there, hence the default. */
const subscriptionFeed = object('Object to be deployed.', {
  ...feedFields,
  namespace: string('Namespace of the object; empty for cluster-scoped kinds.', { max: 63 }).default(''),
});

/** The API server says the same by the list type "map": CEL would need quadratic time, and so a low bound on the list. */
function refuseRepeatedFeeds({ feeds }: { feeds: Feed[] }, context: z.core.$RefinementCtx): void {
  const first = new Map<string, number>();
  for (const [index, feed] of feeds.entries()) {
    const key = feedKey(feed);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    else context.addIssue({ code: 'custom', path: ['feeds', index], message: `must not repeat feeds[${earlier}] (${key})` });
  }
}

export const subscriptionSpecSchema = object(
  'What is deployed, and where.',
  {
    schedulerName: string('Scheduler profile that handles this Subscription.').default('default'),
    schedulingBySubGroup: boolean('Whether each subscriber gives a number of its clusters only.').optional(),
    schedulingStrategy: oneOf('Full replicas on each cluster, or divided among them.', schedulingStrategies).default(
      'Replication',
    ),
    dividingScheduling: dividingScheduling.optional(),
    priority: int32('Order in the scheduling queue, high first; 0 when absent.').optional(),
    preemptionPolicy: oneOf(
      'Whether Subscriptions of lower priority may be displaced. Never is how Go clients spell PreemptNever.',
      ['PreemptLowerPriority', 'PreemptNever', 'Never'],
    ).default('PreemptLowerPriority'),
    subscribers: list('Clusters that receive the feeds.', subscriberSchema, { max: 1024 }),
    clusterTolerations: list('Taints of clusters that are accepted.', tolerationSchema).optional(),
    feeds: list('Objects to be deployed, each at most once.', subscriptionFeed, {
      extensions: listMap('apiVersion', 'kind', 'namespace', 'name'),
    }),
  },
  {
    rules: [
      {
        rule: "!has(self.schedulingStrategy) || self.schedulingStrategy != 'Dividing' || has(self.dividingScheduling)",
        message: 'dividingScheduling is required when schedulingStrategy is Dividing',
        check: ({ schedulingStrategy, dividingScheduling }) =>
          schedulingStrategy !== 'Dividing' || dividingScheduling !== undefined,
        field: 'dividingScheduling',
      },
      {
        rule: '!has(self.schedulingBySubGroup) || !self.schedulingBySubGroup || self.subscribers.all(s, has(s.subGroupStrategy))',
        message: 'subGroupStrategy is required in every subscriber when schedulingBySubGroup is true',
        check: ({ schedulingBySubGroup, subscribers }) =>
          schedulingBySubGroup !== true || subscribers.every((subscriber) => subscriber.subGroupStrategy !== undefined),
        field: 'subscribers',
      },
    ],
    refine: refuseRepeatedFeeds,
  },
);
export type SubscriptionSpec = z.input<typeof subscriptionSpecSchema>;

const feedStatusFields = {
  available: boolean('Whether every wanted replica is available.').optional(),
  replicaStatus: object('Replicas of a workload, or the pods of a job.', {
    observedGeneration: int64('Generation of the workload that its controller has seen.').optional(),
    replicas: int32('Pods that exist.').optional(),
    updatedReplicas: int32('Pods of the newest template.').optional(),
    currentReplicas: int32('Pods of the template before the newest.').optional(),
    readyReplicas: int32('Pods that are ready.').optional(),
    availableReplicas: int32('Pods that have been ready for long enough.').optional(),
    unavailableReplicas: int32('Pods that are wanted and not available.').optional(),
    active: int32('Running pods of a job.').optional(),
    succeeded: int32('Pods of a job that succeeded.').optional(),
    failed: int32('Pods of a job that failed.').optional(),
  }).optional(),
};
export const feedStatusSchema = object('State of a feed, over all clusters or in one.', feedStatusFields);
export type FeedStatus = z.input<typeof feedStatusSchema>;

export const aggregatedStatusSchema = object('State of one feed.', {
  ...feedFields,
  feedStatusSummary: object('State over all clusters.', feedStatusFields).optional(),
  feedStatusDetails: list(
    'State in each cluster.',
    object('State in one cluster.', {
      clusterId: clusterId('Identity of the cluster.').optional(),
      clusterName: clusterName('Name of the cluster.').optional(),
      ...feedStatusFields,
    }),
    { extensions: atomicList },
  ).optional(),
});
export type AggregatedStatus = z.input<typeof aggregatedStatusSchema>;

export const subscriptionStatusSchema = object('Where the feeds go, and how they do.', {
  bindingClusters: list('Chosen clusters as namespace/name, ascending.', string('Namespace and name of a ManagedCluster.'), {
    extensions: atomicList,
  }).optional(),
  replicas: map(
    'Replicas per feed, in the order of bindingClusters; empty for feeds without replicas.',
    list('Replicas in each cluster.', int32('Replicas in one cluster.'), { extensions: atomicList }),
    atomicMap,
  ).optional(),
  specHash: int64('Hash of the spec that the scheduler acted on.', { min: 0 }).optional(),
  desiredReleases: int64('Number of chosen clusters.').optional(),
  completedReleases: int64('Number of clusters in which everything is available.').optional(),
  aggregatedStatuses: list('State of each feed, in the order of spec.feeds.', aggregatedStatusSchema, {
    extensions: atomicList,
  }).optional(),
  conditions: conditions().optional(),
});
export type SubscriptionStatus = z.input<typeof subscriptionStatusSchema>;

export const subscriptionSchema = kindOf(resources.subscriptions, 'Deploys objects (feeds) to the clusters that it selects.', {
  spec: subscriptionSpecSchema,
  status: subscriptionStatusSchema.optional(),
});
export type Subscription = z.input<typeof subscriptionSchema>;
