// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isBuiltInApi } from '@clusternet/api-types';
import { type Discovery } from '@clusternet/client';

/** With more kinds than this a cluster does not tell of any: its status is watched by everything in the parent. */
export const mostKinds = 1_000;

/**
 * The kinds that a cluster serves beyond those of Kubernetes itself, as `apiVersion/Kind`, sorted; undefined when there are too many to
 * tell. An API server that did not answer serves what it served before.
 */
export function apiKindsOf({ versions, stale }: Discovery, before: readonly string[] | undefined): string[] | undefined {
  const kinds = new Set<string>();
  for (const [apiVersion, served] of versions) {
    if (!isBuiltInApi(apiVersion)) for (const kind of served.keys()) kinds.add(`${apiVersion}/${kind}`);
  }
  for (const apiVersion of stale) {
    for (const kind of before ?? []) if (kind.startsWith(`${apiVersion}/`)) kinds.add(kind);
  }
  return kinds.size > mostKinds ? undefined : [...kinds].sort();
}
