// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Logger } from '@clusternet/runtime';
import { Framework } from './framework/framework.ts';
import { type FrameworkHandle, type PluginRegistry } from './framework/plugin.ts';
import { PluginGuard } from './framework/pluginGuard.ts';
import { makePlugins, type ProfileConfig, resolvePlugins } from './framework/profile.ts';
import { defaultPlugins } from './plugins/inTree.ts';

/** What {@link buildFrameworks} needs. */
export interface BuildOptions {
  registry: PluginRegistry;
  pluginTimeoutMs: number;
  handleOf: (schedulerName: string) => FrameworkHandle;
}

/**
 * Makes the plugins of every profile.
 *
 * @throws ProfileError for a configuration that cannot work, naming the profile and the plugin
 */
export async function buildFrameworks(profiles: readonly ProfileConfig[], o: BuildOptions): Promise<Framework[]> {
  const frameworks: Framework[] = [];
  for (const profile of profiles) {
    const { schedulerName } = profile;
    const set = resolvePlugins(profile, defaultPlugins);
    const plugins = await makePlugins(profile, set, { registry: o.registry, handle: o.handleOf(schedulerName) });
    frameworks.push(new Framework(schedulerName, { plugins, guard: new PluginGuard({ timeoutMs: o.pluginTimeoutMs }) }));
  }
  return frameworks;
}

/** A handle of a scheduler that does not run, for checking a configuration when the service starts. */
export function idleHandle(schedulerName: string, logger: Logger): FrameworkHandle {
  return { schedulerName, logger, clusters: () => [], waiting: () => undefined, activate: () => undefined };
}
