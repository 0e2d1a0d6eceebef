// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toError } from '@clusternet/runtime';
import { type PluginRegistry } from '../framework/plugin.ts';
import { ProfileError } from '../framework/profile.ts';

/** Options of {@link loadPluginModules}. */
export interface PluginModulesOptions {
  /** Plugins that are known already; a module cannot replace one. */
  known: PluginRegistry;
  /** Folder that relative paths, and packages that are not installed beside the scheduler, are looked for in. */
  from: string;
}

/**
 * Loads plugins from modules: names of npm packages, or paths (those that start with a dot or slash). Each exports `plugins`, factories
 * by name.
 *
 * @throws ProfileError naming the module
 */
export async function loadPluginModules(
  modules: readonly string[],
  { known, from }: PluginModulesOptions,
): Promise<PluginRegistry> {
  const registry: Record<string, PluginRegistry[string]> = { ...known };
  for (const name of modules) {
    const { plugins } = await load(name, from);
    if (typeof plugins !== 'object' || plugins === null || Object.keys(plugins).length === 0) {
      throw new ProfileError(`pluginModules: ${name} has to export "plugins", an object of plugin factories by name`);
    }
    for (const [plugin, factory] of Object.entries(plugins)) {
      if (typeof factory !== 'function')
        throw new ProfileError(`pluginModules: ${name}: "${plugin}" in its plugins is not a function`);
      if (Object.hasOwn(registry, plugin)) throw new ProfileError(`pluginModules: ${name}: there is a plugin ${plugin} already`);
      registry[plugin] = factory as PluginRegistry[string];
    }
  }
  return registry;
}

async function load(name: string, from: string): Promise<{ plugins?: unknown }> {
  try {
    if (/^[./]/.test(name)) return (await import(pathToFileURL(resolve(from, name)).href)) as { plugins?: unknown };
    try {
      return (await import(name)) as { plugins?: unknown };
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      const found = createRequire(resolve(from, 'package.json')).resolve(name);
      return (await import(pathToFileURL(found).href)) as { plugins?: unknown };
    }
  } catch (error) {
    throw new ProfileError(`pluginModules: ${name} cannot be loaded: ${toError(error).message}`, { cause: error });
  }
}
