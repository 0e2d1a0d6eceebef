// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ExtensionPoint, extensionPoints, type Plugin, type PluginFactory, type FrameworkHandle } from './plugin.ts';

/** A plugin that takes part in an extension point. */
export interface EnabledPlugin {
  name: string;
  /** Score only: how much its scores count. */
  weight: number;
}

/** Plugins of each extension point, in their order. */
export type PluginSet = Readonly<Record<ExtensionPoint, readonly EnabledPlugin[]>>;

/** What a user asks of an extension point. */
export interface PluginChoice {
  enabled?: readonly { name: string; weight?: number }[];
  disabled?: readonly { name: string }[];
}

/** A profile: how the Subscriptions of one `schedulerName` are decided. */
export interface ProfileConfig {
  schedulerName: string;
  plugins?: Partial<Record<ExtensionPoint, PluginChoice>>;
  pluginConfig?: readonly { name: string; args?: unknown }[];
}

/** Thrown for a configuration that cannot be started; the message names the profile and the plugin. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/**
 * The plugins of a profile: the defaults without those it disables (`*` is all), a default that it enables again in its place with the
 * new weight, all others after them.
 */
export function resolvePlugins(profile: ProfileConfig, defaults: PluginSet): PluginSet {
  const resolved = extensionPoints.map((point) => [point, resolvePoint(profile, point, defaults[point])] as const);
  const set = Object.fromEntries(resolved) as unknown as PluginSet;
  if (set.bind.length === 0)
    throw new ProfileError(`profile ${profile.schedulerName}: at least one bind plugin has to be enabled`);
  return set;
}

function resolvePoint(profile: ProfileConfig, point: ExtensionPoint, defaults: readonly EnabledPlugin[]): EnabledPlugin[] {
  const { enabled = [], disabled = [] } = profile.plugins?.[point] ?? {};
  const where = `profile ${profile.schedulerName}: plugins.${point}`;
  const names = enabled.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ProfileError(`${where}: ${twice} is enabled twice`);
  for (const { name, weight } of enabled) {
    if (point === 'score' && weight === 0) throw new ProfileError(`${where}: ${name} has weight 0; disable it instead`);
    if (point !== 'score' && weight !== undefined)
      throw new ProfileError(`${where}: ${name} has a weight, which only score plugins have`);
  }
  const known = new Set(['*', ...defaults.map(({ name }) => name)]);
  const stray = disabled.find(({ name }) => !known.has(name));
  if (stray !== undefined) {
    const those =
      defaults.length === 0
        ? 'none is enabled by default'
        : `by default these are: ${defaults.map(({ name }) => name).join(', ')}`;
    throw new ProfileError(`${where}: ${stray.name} cannot be disabled as it is not enabled; ${those}`);
  }
  const off = new Set(disabled.map(({ name }) => name));
  const wanted = new Map(enabled.map(({ name, weight = 1 }) => [name, { name, weight }]));
  const kept = defaults.filter(({ name }) => (wanted.has(name) ? !off.has('*') : !off.has('*') && !off.has(name)));
  const result = kept.map((plugin) => wanted.get(plugin.name) ?? plugin);
  return [...result, ...[...wanted.values()].filter(({ name }) => !result.some((plugin) => plugin.name === name))];
}

/** A plugin with its weight, ready to be called. */
export interface ActivePlugin {
  plugin: Plugin;
  weight: number;
}

/** Plugins by extension point. */
export type ActivePlugins = Readonly<Record<ExtensionPoint, readonly ActivePlugin[]>>;

/** Makes each enabled plugin once per profile, and checks that it can do what it is enabled for. */
export async function makePlugins(
  profile: ProfileConfig,
  set: PluginSet,
  { registry, handle }: { registry: Readonly<Record<string, PluginFactory>>; handle: FrameworkHandle },
): Promise<ActivePlugins> {
  const args = new Map<string, unknown>();
  for (const { name, args: given } of profile.pluginConfig ?? []) {
    if (args.has(name)) throw new ProfileError(`profile ${profile.schedulerName}: pluginConfig names ${name} twice`);
    if (!Object.hasOwn(registry, name)) throw unknown(profile, name, { registry, where: 'pluginConfig' });
    args.set(name, given);
  }
  const made = new Map<string, Plugin>();
  const result: Record<string, ActivePlugin[]> = {};
  for (const point of extensionPoints) {
    result[point] = [];
    for (const { name, weight } of set[point]) {
      const factory = Object.hasOwn(registry, name) ? registry[name] : undefined;
      if (factory === undefined) throw unknown(profile, name, { registry, where: `plugins.${point}` });
      const plugin = made.get(name) ?? (await make(profile, name, { factory, args: args.get(name), handle }));
      made.set(name, plugin);
      if (typeof plugin[point] !== 'function') {
        throw new ProfileError(`profile ${profile.schedulerName}: plugins.${point}: ${name} has no method ${point}`);
      }
      result[point].push({ plugin, weight });
    }
  }
  return result as unknown as ActivePlugins;
}

async function make(
  profile: ProfileConfig,
  name: string,
  { factory, args, handle }: { factory: PluginFactory; args: unknown; handle: FrameworkHandle },
): Promise<Plugin> {
  try {
    const plugin = await factory(args, handle);
    if (typeof plugin !== 'object' || plugin === null || plugin.name !== name) {
      throw new TypeError(`its factory has to return an object with the name "${name}"`);
    }
    return plugin;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new ProfileError(`profile ${profile.schedulerName}: plugin ${name} cannot be made: ${text}`, { cause: error });
  }
}

function unknown(profile: ProfileConfig, name: string, { registry, where }: { registry: object; where: string }): ProfileError {
  const known = Object.keys(registry).sort().join(', ');
  return new ProfileError(
    `profile ${profile.schedulerName}: ${where} names the unknown plugin ${name}; known are ${known} (others come from pluginModules)`,
  );
}
