// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { conditions, feedSchema, clusterSelector } from './common.ts';
import { boolean, int32, int64, list, object, oneOf, string } from './dsl.ts';
import { kindOf } from './kind.ts';

/** Kinds of overrides. */
export const overrideTypes = ['Helm', 'JSONPatch', 'MergePatch', 'FieldJSONPatch', 'FieldMergePatch'] as const;
export type OverrideType = (typeof overrideTypes)[number];

export const overrideConfigSchema = object(
  'One change to a feed.',
  {
    name: string('Name of the change, for messages.').optional(),
    value: string('Patch or values, as YAML or JSON.'),
    type: oneOf('How value is applied.', overrideTypes),
    overrideChart: boolean('Change the HelmChart itself rather than its values. Helm only.').optional(),
    fieldPath: string('JSON pointer to the text field to be changed. FieldJSONPatch and FieldMergePatch only.', {
      max: 4096,
    }).optional(),
    fieldFormat: oneOf('Language of the text in that field.', ['YAML', 'JSON']).default('YAML'),
  },
  {
    rules: [
      {
        rule: "!(self.type in ['FieldJSONPatch', 'FieldMergePatch']) || (has(self.fieldPath) && self.fieldPath.startsWith('/'))",
        message: 'fieldPath is required, and starts with "/", when type is FieldJSONPatch or FieldMergePatch',
        check: ({ type, fieldPath = '' }) => !type.startsWith('Field') || fieldPath.startsWith('/'),
        field: 'fieldPath',
      },
    ],
  },
);
export type OverrideConfig = z.input<typeof overrideConfigSchema>;

const commonFields = {
  overridePolicy: oneOf('Apply at once, or with the next change of what is overridden.', ['ApplyNow', 'ApplyLater']).default(
    'ApplyLater',
  ),
  overrides: list('Changes, applied in this order.', overrideConfigSchema, { max: 1024 }).optional(),
  priority: int32('Order among overrides of the same feed: a higher one is applied later and wins.', {
    min: 0,
    max: 1000,
  }).default(500),
  feed: feedSchema.meta({ description: 'Object whose rendering is changed.' }),
};

/** A value of type Helm goes into the values of a chart; nothing else has any. */
const onlyForCharts = {
  rule: "self.feed.kind == 'HelmChart' || !has(self.overrides) || self.overrides.all(o, o.type != 'Helm' && (!has(o.overrideChart) || !o.overrideChart))",
  message: 'type Helm and overrideChart are for HelmChart feeds only; use MergePatch for other objects',
  check: ({
    feed,
    overrides = [],
  }: {
    feed: { kind: string };
    overrides?: { type: string; overrideChart?: boolean | undefined }[] | undefined;
  }) => feed.kind === 'HelmChart' || overrides.every(({ type, overrideChart }) => type !== 'Helm' && overrideChart !== true),
  field: 'overrides',
};

export const overrideStatusSchema = object('What became of the changes.', {
  observedGeneration: int64('Generation of this object that the status is about.').optional(),
  conditions: conditions().optional(),
});
export type OverrideStatus = z.input<typeof overrideStatusSchema>;

export const localizationSpecSchema = object('Changes for one cluster.', commonFields, { rules: [onlyForCharts] });
export type LocalizationSpec = z.input<typeof localizationSpecSchema>;

export const localizationSchema = kindOf(
  resources.localizations,
  'Changes a feed for one cluster: that of the namespace it lies in.',
  { spec: localizationSpecSchema, status: overrideStatusSchema.optional() },
);
export type Localization = z.input<typeof localizationSchema>;

export const globalizationSpecSchema = object(
  'Changes for many clusters.',
  {
    clusterAffinity: clusterSelector('Which ManagedClusters, by their labels; all when absent.').optional(),
    ...commonFields,
  },
  { rules: [onlyForCharts] },
);
export type GlobalizationSpec = z.input<typeof globalizationSpecSchema>;

export const globalizationSchema = kindOf(resources.globalizations, 'Changes a feed for all clusters that it selects.', {
  spec: globalizationSpecSchema,
  status: overrideStatusSchema.optional(),
});
export type Globalization = z.input<typeof globalizationSchema>;
