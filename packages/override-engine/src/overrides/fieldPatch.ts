// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type OverrideConfig } from '@clusternet/api-types';
import { clone, isJsonObject, type JsonObject } from './json.ts';
import { jsonPatch } from './jsonPatch.ts';
import { formatPointer, hasMember, unescape } from './jsonPointer.ts';
import { mergePatch } from './mergePatch.ts';
import { PatchError } from './overrideError.ts';
import { readJson, readYaml, sortKeys, writeYaml } from './yamlText.ts';

/**
 * Patches the YAML or JSON inside of a text field, such as an entry of a ConfigMap. An empty text stays empty.
 *
 * @throws PatchError when the field is missing or no text, when the text cannot be read, or when the patch does not fit.
 */
export function fieldPatch(document: unknown, { override, patch }: { override: OverrideConfig; patch: unknown }): unknown {
  const { fieldPath = '', fieldFormat = 'YAML', type } = override;
  const { keys, text } = textField(document, fieldPath);
  if (text === '') return document;
  const inside = readInside(text, { fieldFormat, fieldPath });
  if (type === 'FieldMergePatch' && !isJsonObject(inside)) {
    throw new PatchError(`the text in ${fieldPath} holds no object, which a merge patch needs`, {
      operation: 'merge',
      path: fieldPath,
    });
  }
  const patched = patchInside(inside, { type, patch, fieldPath });
  const copy = clone(document);
  const parent = keys.slice(0, -1).reduce((value, key) => (value as JsonObject)[key], copy) as JsonObject;
  parent[keys[keys.length - 1] ?? ''] =
    fieldFormat === 'JSON' ? JSON.stringify(sortKeys(patched), undefined, 4) : writeYaml(patched);
  return copy;
}

function patchInside(inside: unknown, { type, patch, fieldPath }: { type: string; patch: unknown; fieldPath: string }): unknown {
  try {
    return type === 'FieldJSONPatch' ? jsonPatch(inside, patch) : mergePatch(inside, patch);
  } catch (error) {
    throw error instanceof PatchError ? new PatchError(`in the text of ${fieldPath}: ${error.message}`, error) : error;
  }
}

function readInside(text: string, { fieldFormat, fieldPath }: { fieldFormat: string; fieldPath: string }): unknown {
  try {
    return fieldFormat === 'JSON' ? readJson(text) : readYaml(text);
  } catch (error) {
    throw error instanceof PatchError ? new PatchError(`the text in ${fieldPath}: ${error.message}`, { path: fieldPath }) : error;
  }
}

/**
 * Finds the text. A step of the path is a key as JSON pointers write it, with `~1` for "/"; one that is a key just as it stands is taken as
 * well, for paths from before there was any escaping.
 */
function textField(document: unknown, fieldPath: string): { keys: string[]; text: string } {
  if (!fieldPath.startsWith('/')) throw new PatchError('fieldPath must start with "/"', { path: fieldPath });
  const keys: string[] = [];
  let value = document;
  for (const step of fieldPath.slice(1).split('/')) {
    const key = [unescape(step), step].find((candidate) => hasMember(value, candidate));
    if (key === undefined) {
      const at = formatPointer([...keys, unescape(step)]);
      throw new PatchError(`fieldPath ${fieldPath}: there is no ${at}`, { path: fieldPath });
    }
    value = (value as JsonObject)[key];
    keys.push(key);
  }
  if (typeof value !== 'string') throw new PatchError(`fieldPath ${fieldPath}: the value there is no text`, { path: fieldPath });
  return { keys, text: value };
}
