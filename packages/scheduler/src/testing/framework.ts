// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type FeedInventory, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { silentLogger } from '@clusternet/runtime';
import { buildFrameworks, idleHandle } from '../buildFrameworks.ts';
import { Promises } from '../capacity/promises.ts';
import { type Framework } from '../framework/framework.ts';
import { type PluginRegistry } from '../framework/plugin.ts';
import { type ProfileConfig } from '../framework/profile.ts';
import { decide, type Outcome, snapshotOf } from '../placement/decide.ts';
import { inTreeRegistry } from '../plugins/inTree.ts';
import { type PredictorClient } from '../predictor/predictorClient.ts';

/** What a test framework is made of. */
export interface TestFrameworkOptions {
  plugins?: PluginRegistry;
  profile?: Omit<ProfileConfig, 'schedulerName'>;
  predictorClient?: PredictorClient;
  promises?: Promises;
  pluginTimeoutMs?: number;
  now?: () => number;
}

/** A framework with the in-tree plugins, and those of the test. */
export async function testFramework(o: TestFrameworkOptions = {}): Promise<Framework> {
  const inTree = inTreeRegistry({
    predictorClient: o.predictorClient ?? { predict: () => Promise.reject(new Error('there is no predictor')) },
    promises: o.promises ?? new Promises(),
    writer: { bind: () => Promise.resolve() },
    now: o.now,
  });
  const [framework] = await buildFrameworks([{ schedulerName: 'default', ...o.profile }], {
    registry: { ...inTree, ...o.plugins },
    pluginTimeoutMs: o.pluginTimeoutMs ?? 1_000,
    handleOf: (name) => idleHandle(name, silentLogger),
  });
  if (framework === undefined) throw new Error('no framework was made');
  return framework;
}

/** Looks at one Subscription. */
export async function look(
  subscription: Subscription,
  clusters: readonly ManagedCluster[],
  o: {
    framework?: Framework;
    inventory?: FeedInventory;
    absentForMs?: () => number;
    vanishedGraceMs?: number;
    now?: Date;
    toleratedPercent?: number;
  } = {},
): Promise<Outcome> {
  return decide({
    framework: o.framework ?? (await testFramework()),
    subscription,
    clusters: snapshotOf(clusters),
    inventory: o.inventory,
    absentForMs: o.absentForMs ?? (() => 0),
    vanishedGraceMs: o.vanishedGraceMs,
    now: o.now ?? new Date('2026-01-01T00:00:00Z'),
    toleratedPercent: o.toleratedPercent,
  });
}
