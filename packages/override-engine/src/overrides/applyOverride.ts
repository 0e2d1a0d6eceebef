// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type OverrideConfig } from '@clusternet/api-types';
import { fieldPatch } from './fieldPatch.ts';
import { isJsonObject } from './json.ts';
import { jsonPatch } from './jsonPatch.ts';
import { mergePatch, mergeValues } from './mergePatch.ts';
import { OverrideError, type OverrideOrigin, PatchError } from './overrideError.ts';
import { readYaml } from './yamlText.ts';

/** One change to a feed, and where it comes from. */
export interface Override {
  config: OverrideConfig;
  origin?: OverrideOrigin;
  /** Place in the list of its Globalization or Localization, from 0. */
  index?: number;
  /** Policy ApplyLater: waits for the next change of what is overridden. */
  deferred?: boolean;
  /** Why it cannot be told whether it applies; it stops the feed like one that does not fit. */
  problem?: string;
}

/**
 * What an override is applied to. `values` are those of a chart, where the type `Helm` merges tables as Helm does.
 */
export type Target = 'object' | 'chart' | 'values';

/**
 * Applies one override to a document, which stays as it is. One with a blank value changes nothing.
 *
 * @throws OverrideError that names the override, operation and path when it does not fit.
 */
export function applyOverride(document: unknown, override: Override, target: Target): unknown {
  if (override.problem !== undefined) throw refuse(override, override.problem);
  try {
    return apply(document, override.config, target);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw new OverrideError(`${nameOf(override)}: ${error.message}`, { cause: error, origin: override.origin });
  }
}

/** The error of an override that is wrong by itself. */
export function refuse(override: Override, message: string, path?: string): OverrideError {
  const cause = new PatchError(message, { path });
  return new OverrideError(`${nameOf(override)}: ${message}`, { cause, origin: override.origin });
}

function apply(document: unknown, config: OverrideConfig, target: Target): unknown {
  const { type, value } = config;
  if (typeof value !== 'string') throw new PatchError('value must be a text');
  if (value.trim() === '') return document;
  const patch = patchOf(config);
  switch (type) {
    case 'Helm':
      if (!isJsonObject(patch)) throw new PatchError('value must be an object');
      if (target === 'values') return mergeValues(isJsonObject(document) ? document : {}, patch);
      if (target === 'chart') return mergePatch(document, patch);
      throw new PatchError('type Helm is for HelmChart feeds; use MergePatch for other objects');
    case 'JSONPatch':
      return jsonPatch(document, patch);
    case 'MergePatch':
      if (!isJsonObject(patch)) throw new PatchError('value must be an object');
      return mergePatch(document, patch);
    case 'FieldJSONPatch':
      return fieldPatch(document, { override: config, patch });
    case 'FieldMergePatch':
      if (!isJsonObject(patch)) throw new PatchError('value must be an object');
      return fieldPatch(document, { override: config, patch });
    default:
      throw new PatchError(
        `type ${String(type)} is not known; use Helm, JSONPatch, MergePatch, FieldJSONPatch or FieldMergePatch`,
      );
  }
}

// An override is rendered once per cluster and feed, and read once.
const patches = new WeakMap<OverrideConfig, { value: string; patch: unknown }>();

function patchOf(config: OverrideConfig): unknown {
  const known = patches.get(config);
  if (known?.value === config.value) return known.patch;
  const patch = readPatch(config.value);
  patches.set(config, { value: config.value, patch });
  return patch;
}

function readPatch(value: string): unknown {
  try {
    return readYaml(value);
  } catch (error) {
    throw error instanceof PatchError ? new PatchError(`value: ${error.message}`) : error;
  }
}

/** `Globalization all: override 2 "replicas" (JSONPatch)`. */
function nameOf({ config, origin, index }: Override): string {
  const from = origin && `${origin.kind} ${origin.namespace ? `${origin.namespace}/` : ''}${origin.name}`;
  const which = ['override', index === undefined ? undefined : String(index + 1), config.name ? `"${config.name}"` : undefined];
  return `${from ? `${from}: ` : ''}${which.filter((part) => part !== undefined).join(' ')} (${config.type})`;
}
