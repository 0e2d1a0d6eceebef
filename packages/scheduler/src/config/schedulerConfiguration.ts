// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { names } from '@clusternet/api-types';
import { duration } from '@clusternet/runtime';
import * as z from 'zod';
import { extensionPoints } from '../framework/plugin.ts';
import { type ProfileConfig } from '../framework/profile.ts';
import { VANISHED_GRACE_MS } from '../placement/bound.ts';

const pluginName = z.string().min(1);

const choice = z.strictObject({
  enabled: z.array(z.strictObject({ name: pluginName, weight: z.int().min(0).max(1_000_000).optional() })).optional(),
  disabled: z.array(z.strictObject({ name: pluginName })).optional(),
});

const profile = z.strictObject({
  schedulerName: z.string().min(1).optional(),
  plugins: z.strictObject(Object.fromEntries(extensionPoints.map((point) => [point, choice.optional()]))).optional(),
  pluginConfig: z.array(z.strictObject({ name: pluginName, args: z.unknown().optional() })).optional(),
});

/** Settings that only a file can hold; the help does not list them as flags. */
const fileOnly = { hidden: true } as const;

const shape = {
  apiVersion: z.string().optional().meta(fileOnly),
  kind: z.literal('SchedulerConfiguration').optional().meta(fileOnly),
  profiles: z
    .array(profile)
    .min(1)
    .default([{}])
    .refine((all) => all.length === 1 || all.every(({ schedulerName }) => schedulerName !== undefined), {
      message: 'each profile needs a schedulerName when there are several',
    })
    .refine((all) => new Set(all.map(({ schedulerName }) => schedulerName)).size === all.length, {
      message: 'two profiles have the same schedulerName',
    })
    .meta(fileOnly),
  pluginModules: z.array(z.string().min(1)).default([]).meta(fileOnly),
  pluginTimeout: duration().default(5_000).describe('longest wait for one answer of a plugin'),
  vanishedClusterGrace: duration()
    .default(VANISHED_GRACE_MS)
    .describe(
      'how long a Subscription stays bound to a cluster whose ManagedCluster is gone; the hub makes one anew within moments',
    ),
  percentageOfClustersToScore: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('Dividing looks for feasible clusters until this share of all is found, at least 100; 0 looks at all'),
  percentageOfClustersToTolerate: z
    .int()
    .min(0)
    .max(100)
    .default(10)
    .describe('with gate FeasibleClustersToleration: more failing predictors than this share put a decision off'),
};

/**
 * The file of `--config`: profiles, their plugins, and modules with further plugins. Any other setting of the service may stand in it
 * too. Keys that nobody knows are errors.
 */
export const schedulerConfiguration = z.strictObject(shape);
export type SchedulerConfiguration = z.infer<typeof schedulerConfiguration>;

/** The same as settings of the service. */
export const schedulerSettings = z.object(shape);

/** The profiles, each with its name. */
export function profilesOf({ profiles }: Pick<SchedulerConfiguration, 'profiles'>): ProfileConfig[] {
  return profiles.map(({ schedulerName = names.defaultScheduler, ...rest }) => ({ schedulerName, ...rest }));
}
