// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { type KubeObject, conditions, feedFields, feedSchema } from './common.ts';
import { anyObject, atomicList, bytes, dateTime, int64, list, object, oneOf, string } from './dsl.ts';
import { kindOf } from './kind.ts';

/** Stores an object meant for children. */
export const manifestSchema = kindOf(resources.manifests, 'Holds one object that Subscriptions can deploy.', {
  template: anyObject('The whole object, as it was given.') as z.ZodType<KubeObject, KubeObject>,
});
export type Manifest = z.input<typeof manifestSchema>;

export const baseSpecSchema = object('What one cluster receives.', {
  feeds: list('Copy of the feeds of the Subscription.', feedSchema, { extensions: atomicList }),
});
export type BaseSpec = z.input<typeof baseSpecSchema>;

export const baseSchema = kindOf(
  resources.bases,
  'A Subscription seen from one of its clusters, in the namespace of that cluster.',
  {
    spec: baseSpecSchema,
  },
);
export type Base = z.input<typeof baseSchema>;

/** Reasons of `Description.spec.skipped[]`. */
export const skipReasons = {
  feedNotFound: 'FeedNotFound',
  ownedByOther: 'OwnedByOther',
  unsupportedFeed: 'UnsupportedFeed',
  tooLarge: 'TooLarge',
  invalidFeed: 'InvalidFeed',
  overrideFailed: 'OverrideFailed',
  chartNotFound: 'ChartNotFound',
  chartUnverified: 'ChartUnverified',
} as const;

/** Values of `Description.status.phase`. */
export const descriptionPhases = [
  'Pending',
  'Success',
  'Failure',
  'Installing',
  'Upgrading',
  'Uninstalling',
  'Superseded',
  'Unknown',
] as const;
export type DescriptionPhase = (typeof descriptionPhases)[number];

const problemFields = {
  reason: string('Cause as one CamelCase word, for programs.'),
  message: string('Cause for people, and what to do about it.').optional(),
  since: dateTime('When the problem was first seen.').optional(),
};

export const skippedFeedSchema = object('Feed that could not be rendered.', { ...feedFields, ...problemFields });
export type SkippedFeed = z.input<typeof skippedFeedSchema>;

export const descriptionSpecSchema = object('What is applied in the cluster, fully rendered.', {
  deployer: oneOf('Generic for plain objects, Helm for charts.', ['Helm', 'Generic']),
  charts: list(
    'HelmCharts, in the order of the feeds. Helm only.',
    object('A HelmChart.', {
      namespace: string('Namespace of the HelmChart.'),
      name: string('Name of the HelmChart.'),
    }),
    { extensions: atomicList },
  ).optional(),
  chartRaw: list('The HelmCharts after overrides, aligned with charts. Helm only.', bytes('HelmChart as JSON.'), {
    extensions: atomicList,
  }).optional(),
  raw: list('Generic: the objects after overrides. Helm: the values of each chart.', bytes('JSON.'), {
    extensions: atomicList,
  }).optional(),
  removed: list('Objects that were deployed before and must go from the cluster.', feedSchema, {
    extensions: atomicList,
  }).optional(),
  skipped: list('Feeds that are not part of this rendering, with the cause.', skippedFeedSchema, {
    extensions: atomicList,
  }).optional(),
});
export type DescriptionSpec = z.input<typeof descriptionSpecSchema>;

export const manifestStatusSchema = object('State of one object in the cluster.', {
  ...feedFields,
  observedStatus: anyObject('Status of the object as the cluster shows it.').optional(),
  error: object('Why the object could not be applied.', problemFields).optional(),
});
export type ManifestStatus = z.input<typeof manifestStatusSchema>;

export const descriptionStatusSchema = object('What became of it in the cluster.', {
  phase: oneOf('State of the whole.', descriptionPhases).optional(),
  reason: string('Error text; empty on success.').optional(),
  observedGeneration: int64('Generation whose objects were all applied, and whose removed objects are all gone.').optional(),
  manifestStatuses: list('State of each object.', manifestStatusSchema, { extensions: atomicList }).optional(),
  conditions: conditions().optional(),
});
export type DescriptionStatus = z.input<typeof descriptionStatusSchema>;

export const descriptionSchema = kindOf(
  resources.descriptions,
  'Objects rendered for one cluster, in the namespace of that cluster.',
  { spec: descriptionSpecSchema, status: descriptionStatusSchema.optional() },
);
export type Description = z.input<typeof descriptionSchema>;
