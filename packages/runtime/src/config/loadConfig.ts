// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises';
import { YAMLParseError, parse as parseYaml } from 'yaml';
import type * as z from 'zod';
import { toError } from '../util/errors.ts';
import { type Flags } from './parseFlags.ts';
import { parseText } from './parseText.ts';
import { type Setting } from './setting.ts';
import { hint } from './suggest.ts';
import { UsageError } from './usageError.ts';

/** Where a configuration comes from, besides the defaults in its schema. */
export interface ConfigSources {
  flags: Flags;
  env: Record<string, string | undefined>;
}

/**
 * The configuration of a service: flags win over environment variables, those over the file, and that over the defaults.
 *
 * @throws UsageError that names the setting the way it was given
 */
export async function loadConfig<S extends z.ZodObject>(
  schema: S,
  settings: readonly Setting[],
  sources: ConfigSources,
): Promise<z.infer<S>> {
  const { flags, env } = sources;
  const file = flags.configFile === undefined ? {} : await readConfigFile(flags.configFile, settings);
  const variables = readVariables(env, settings);
  const origins = new Map<string, string>();
  for (const setting of settings) {
    if (setting.key in flags.values) origins.set(setting.key, `--${setting.flag}`);
    else if (setting.key in variables) origins.set(setting.key, setting.variable);
    else if (setting.key in file) origins.set(setting.key, `${setting.key} in ${flags.configFile}`);
    else origins.set(setting.key, `--${setting.flag}`);
  }
  const result = schema.safeParse({ ...file, ...variables, ...flags.values });
  if (result.success) return result.data;
  throw new UsageError(result.error.issues.map((issue) => describeIssue(issue, origins)).join('\n'), { cause: result.error });
}

function readVariables(env: Record<string, string | undefined>, settings: readonly Setting[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const setting of settings) {
    const text = env[setting.variable];
    // An empty variable is what a chart gives for a value that is not set.
    if (text === undefined || text === '') continue;
    values[setting.key] =
      setting.kind === 'list' ? text.split(',').map((item) => item.trim()) : parseText(setting, text, setting.variable);
  }
  return values;
}

async function readConfigFile(path: string, settings: readonly Setting[]): Promise<Record<string, unknown>> {
  let content: unknown;
  try {
    content = parseYaml(await readFile(path, 'utf8'), { maxAliasCount: 0 }) ?? {};
  } catch (error) {
    const what = error instanceof YAMLParseError ? 'is not valid YAML' : 'cannot be read';
    throw new UsageError(`the configuration file ${path} ${what}: ${toError(error).message}`, { cause: error });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UsageError(`the configuration file ${path} must hold a mapping of settings`);
  }
  const keys = new Set(settings.map((setting) => setting.key));
  for (const key of Object.keys(content)) {
    if (!keys.has(key)) throw new UsageError(`unknown setting "${key}" in ${path}${hint(key, keys)}`);
  }
  return content as Record<string, unknown>;
}

// The value itself is left out: it may be a secret that stands in the wrong place.
function describeIssue(issue: z.core.$ZodIssue, origins: Map<string, string>): string {
  const [key, ...rest] = issue.path.map(String);
  const origin = key === undefined ? 'the configuration' : [origins.get(key) ?? key, ...rest].join('.');
  if (issue.code === 'invalid_type' && issue.message.includes('undefined')) return `${origin} is required`;
  return `${origin}: ${issue.message}`;
}
