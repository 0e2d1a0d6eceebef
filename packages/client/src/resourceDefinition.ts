// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ResourceDefinition } from '@clusternet/api-types';

/** Builds a {@link ResourceDefinition} from what manifests and discovery speak of. */
export function resourceDefinition(apiVersion: string, kind: string, resource: string, namespaced: boolean): ResourceDefinition {
  const { group, version } = splitApiVersion(apiVersion);
  return { group, version, resource, kind, namespaced };
}

/** `apps/v1` -> group `apps`, version `v1`; `v1` -> the core group, which is the empty string. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The inverse of {@link splitApiVersion}. */
export function joinApiVersion({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}
