// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { type TableColumn } from '@clusternet/apiserver';

/** The scale subresource of a kind: where in the object its numbers stand, as steps of a path. */
export interface ScalePaths {
  replicas: readonly string[];
  selector?: readonly string[];
}

/** A column that a CRD declares, with the JSON path of its cells. */
export interface CustomColumn extends TableColumn {
  jsonPath: string;
}

/** A kind of the parent whose objects can be templates. */
export interface ServedKind {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  categories: readonly string[];
  /** Whether a CRD declares it. */
  custom: boolean;
  /** Whether the real kind has a status of its own; templates never have. */
  hasStatus: boolean;
  scale?: ScalePaths;
  columns?: readonly CustomColumn[];
  /** Further fields that a CRD lets select by. */
  selectableFields?: readonly string[];
}

/** Where the templates of a kind are kept, whatever their version. */
export function collectionOf({ group, kind }: Pick<ServedKind, 'group' | 'kind'>): string {
  return `${group}/${kind}`;
}

export function apiVersionOfKind({ group, version }: Pick<ServedKind, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The name of a resource in messages: `configmaps`, `deployments.apps`. */
export function qualifiedPlural({ group, plural }: Pick<ServedKind, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** Whether an object claims to be of a kind. */
export function isOfKind(object: Partial<KubeObject>, kind: ServedKind): boolean {
  return object.apiVersion === apiVersionOfKind(kind) && object.kind === kind.kind;
}
