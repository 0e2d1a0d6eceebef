// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { parseDocument, type ScalarTag, stringify } from 'yaml';
import { isJsonObject, type JsonObject } from './json.ts';
import { PatchError } from './overrideError.ts';

/** What YAML 1.1, and so every tool of Kubernetes, takes for a boolean, beside `true` and `false`. */
const legacyBoolean: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: /^(?:yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
};

/**
 * Reads YAML or JSON as Kubernetes does.
 *
 * @throws PatchError with line and column, and never with the text: it may hold what is secret.
 */
export function readYaml(text: string): unknown {
  const document = parseDocument(text, {
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    customTags: (tags) => [legacyBoolean, ...tags],
  });
  const [error] = document.errors;
  if (error)
    throw new PatchError(
      `not valid YAML or JSON at ${placeOf(text, error.pos[0])}: ${error.code.toLowerCase().replaceAll('_', ' ')}`,
    );
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new PatchError(
      cause instanceof ReferenceError ? 'not valid YAML: too many aliases, or one of nothing' : 'not valid YAML',
    );
  }
  checkJson(value);
  return value;
}

/** Reads JSON. */
export function readJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PatchError('not valid JSON');
  }
  checkJson(value);
  return value;
}

/** Writes YAML with sorted keys, and quotes what YAML 1.1 would read as something else. */
export function writeYaml(value: unknown): string {
  return stringify(value, {
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    compat: 'yaml-1.1',
  });
}

/** Refuses what JSON cannot hold, and numbers that this program would not give back as they were. */
function checkJson(value: unknown): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new PatchError('a number that JSON cannot hold (infinite, or none at all)');
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new PatchError(`a number beyond ±${Number.MAX_SAFE_INTEGER}, which would not be kept exactly; write it as a string`);
    }
  } else if (Array.isArray(value)) value.forEach(checkJson);
  else if (isJsonObject(value)) {
    if (Object.hasOwn(value, '__proto__')) throw new PatchError('the key "__proto__" is not allowed');
    Object.values(value).forEach(checkJson);
  }
}

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split('\n');
  return `line ${lines.length}, column ${(lines[lines.length - 1] ?? '').length + 1}`;
}

/** A copy with the keys of every object sorted. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key])] as const),
  ) satisfies JsonObject;
}
