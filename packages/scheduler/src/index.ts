// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { concernedBy, subscriptionIndexers, type SubscriptionIndex } from './concern.ts';
export { buildFrameworks, type BuildOptions, idleHandle } from './buildFrameworks.ts';
export { withoutUnused } from './clusterSnapshot.ts';
export { schedulerConfiguration, type SchedulerConfiguration } from './config/schedulerConfiguration.ts';
export { loadPluginModules, type PluginModulesOptions } from './config/pluginModules.ts';
export * from './framework/plugin.ts';
export { CycleState } from './framework/cycleState.ts';
export { Framework } from './framework/framework.ts';
export { PluginError } from './framework/pluginGuard.ts';
export { type ProfileConfig, ProfileError } from './framework/profile.ts';
export { status, type Status, type StatusCode, unschedulable } from './framework/status.ts';
export { decide, type Decision, type DecisionInput, type Outcome, snapshotOf } from './placement/decide.ts';
export { type PredictorClient } from './predictor/predictorClient.ts';
export { inTreeRegistry, type InTreeOptions } from './plugins/inTree.ts';
export { Promises } from './capacity/promises.ts';
export { SubscriptionScheduler, type SubscriptionSchedulerOptions } from './subscriptionScheduler.ts';
