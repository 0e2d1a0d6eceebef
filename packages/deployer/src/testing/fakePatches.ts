// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { omit } from '../omit.ts';

type Map_ = Record<string, unknown>;

/** Server-side apply of one manager: what it applied before and does not any more goes, the rest is merged; lists are replaced. */
export function ownedMerge(live: KubeObject | undefined, before: KubeObject | undefined, body: KubeObject): KubeObject {
  const wanted = { ...body, metadata: omit(body.metadata, 'uid') };
  const kept = before ? remove(structuredClone((live ?? {}) as Map_), before, wanted) : structuredClone((live ?? {}) as Map_);
  return merge(kept, wanted) as KubeObject;
}

/** JSON merge patch. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Map_ = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** The `test` and `replace` operations of JSON patch. */
export function applyPatch(target: KubeObject, patch: { op: string; path: string; value: unknown }[]): KubeObject {
  const result = structuredClone(target) as Map_;
  for (const { op, path, value } of patch) {
    const parts = path.slice(1).split('/');
    const last = parts.pop() ?? '';
    const parent = parts.reduce<Map_>((at, part) => at[part] as Map_, result);
    if (op === 'replace') parent[last] = value;
    else if (JSON.stringify(parent[last]) !== JSON.stringify(value)) throw new Error(`test of ${path} failed`);
  }
  return result as KubeObject;
}

/** Whether an object is in a selection by namespace and one `key=value` label. */
export function isMatch(
  object: KubeObject,
  { namespace, labelSelector }: { namespace?: string; labelSelector?: string },
): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  const [key = '', value] = (labelSelector ?? '').split('=');
  return key === '' || object.metadata.labels?.[key] === value;
}

function remove(live: Map_, before: Map_, wanted: Map_): Map_ {
  for (const [key, value] of Object.entries(before)) {
    if (isMap(value) && isMap(live[key])) live[key] = remove(live[key], value, isMap(wanted[key]) ? wanted[key] : {});
    else if (!(key in wanted)) delete live[key];
  }
  return live;
}

function merge(target: Map_, source: Map_): Map_ {
  for (const [key, value] of Object.entries(source)) {
    target[key] = isMap(value) ? merge(isMap(target[key]) ? target[key] : {}, value) : structuredClone(value);
  }
  return target;
}

function isMap(value: unknown): value is Map_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
