// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parseText } from './parseText.ts';
import { type Setting } from './setting.ts';
import { hint } from './suggest.ts';
import { UsageError } from './usageError.ts';

/** What a command line says. */
export interface Flags {
  values: Record<string, unknown>;
  configFile: string | undefined;
  help: boolean;
  version: boolean;
  printConfig: boolean;
}

/**
 * Reads `--flag value`, `--flag=value`, `--bool`, `--bool=false` and `-v4`.
 *
 * @throws UsageError for unknown flags, missing values and positional arguments
 */
export function parseFlags(argv: readonly string[], settings: readonly Setting[]): Flags {
  const flags: Flags = { values: {}, configFile: undefined, help: false, version: false, printConfig: false };
  const byFlag = new Map(settings.map((setting) => [setting.flag, setting]));
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const { name, inline } = split(argument);
    const value = (): string => {
      const text = inline ?? rest.shift();
      if (text === undefined) throw new UsageError(`--${name} needs a value`);
      return text;
    };
    if (name === 'help' || name === 'h') flags.help = true;
    else if (name === 'version') flags.version = true;
    else if (name === 'print-config') flags.printConfig = inline !== 'false';
    else if (name === 'config') flags.configFile = value();
    else set(flags.values, known(byFlag, name), { name, inline, value });
  }
  return flags;
}

function split(argument: string): { name: string; inline: string | undefined } {
  if (argument === '-h') return { name: 'h', inline: undefined };
  const short = /^-([a-z])(?:=?(.+))?$/.exec(argument);
  if (short) return { name: short[1] ?? '', inline: short[2] };
  const long = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
  if (long) return { name: long[1] ?? '', inline: long[2] };
  throw new UsageError(`${JSON.stringify(argument)} is not a flag; this command takes no other arguments`);
}

function known(byFlag: Map<string, Setting>, name: string): Setting {
  // Upstream's flags may be written with underscores, as Kubernetes components accept.
  const setting = byFlag.get(name) ?? byFlag.get(name.replaceAll('_', '-'));
  if (setting) return setting;
  const all = [...byFlag.keys(), 'config', 'help', 'print-config', 'version'].map((flag) => `--${flag}`);
  throw new UsageError(`unknown flag --${name}${hint(`--${name}`, all)}`);
}

function set(
  values: Record<string, unknown>,
  setting: Setting,
  argument: { name: string; inline: string | undefined; value: () => string },
): void {
  const origin = `--${argument.name}`;
  if (setting.kind === 'boolean') {
    // As with Go's flags the value of a boolean must be attached: what follows may be the next argument.
    values[setting.key] = parseText(setting, argument.inline ?? 'true', origin);
    return;
  }
  const value = parseText(setting, argument.value(), origin);
  const before = values[setting.key];
  if (setting.kind === 'list' && Array.isArray(before)) before.push(...(value as unknown[]));
  else if (setting.kind === 'map' && before !== undefined) values[setting.key] = { ...(before as object), ...(value as object) };
  else values[setting.key] = value;
}
