// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, type KubeObject } from '@clusternet/api-types';

/** The Descriptions of one Base in one dedicated namespace; together they own objects in the child. */
export interface Owner {
  /** Dedicated namespace. */
  namespace: string;
  /** Name of the first Description. */
  name: string;
}

/** Value of the annotation `apps.clusternet.io/owned-by-description`. */
export function ownerText(owner: Owner): string {
  return `${owner.namespace}.${owner.name}`;
}

/** Reads the annotation: the namespace ends at the first dot (it can hold none), the name may hold more. */
export function parseOwner(text: string | undefined): Owner | undefined {
  const dot = text?.indexOf('.') ?? -1;
  if (text === undefined || dot <= 0 || dot === text.length - 1) return undefined;
  return { namespace: text.slice(0, dot), name: text.slice(dot + 1) };
}

/** Text of the owner annotation of a live object; undefined when nobody deployed it. */
export function ownerOf(live: KubeObject | undefined): string | undefined {
  return live?.metadata.annotations?.[annotations.ownedByDescription] || undefined;
}

/** Whether a live object existed before the deployer took it over. */
export function isAdopted(live: KubeObject | undefined): boolean {
  return live?.metadata.annotations?.[annotations.adopted] === 'true';
}
