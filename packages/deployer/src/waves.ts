// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Feed, type KubeObject } from '@clusternet/api-types';

/**
 * Objects that the admission of others asks for: a Pod is refused while its ServiceAccount or PriorityClass is missing,
 * and a quota only counts what comes after it.
 */
const prerequisites = new Set([
  'v1/LimitRange',
  'v1/ResourceQuota',
  'v1/ServiceAccount',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/Role',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/StorageClass',
]);

/** Objects that send requests of the API server to a workload, which should be there before. */
const interceptors = new Set([
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apiregistration.k8s.io/APIService',
]);

/** Number of a wave; lower ones are applied first. */
export const wave = { foundations: 0, prerequisites: 1, rest: 2, customResources: 3, interceptors: 4 } as const;

/** Whether `object` is a CustomResourceDefinition. */
export function isCrd(object: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
  return object.kind === 'CustomResourceDefinition' && groupOf(object.apiVersion) === 'apiextensions.k8s.io';
}

/** Whether `object` is a Namespace. */
export function isNamespace(object: Pick<KubeObject, 'apiVersion' | 'kind'>): boolean {
  return object.kind === 'Namespace' && object.apiVersion === 'v1';
}

/**
 * Cuts objects into waves: what is in one wave can be applied in parallel, once the waves before it are there.
 * Namespaces and CustomResourceDefinitions come first, then what admission of others asks for, then the rest. Objects
 * whose kind is defined by one of the CustomResourceDefinitions in `objects` follow, and webhooks and APIServices come
 * last, as they need a workload to answer. The order within a wave is that of `objects`; no wave is empty.
 *
 * Removal goes through the same waves backwards: an operator is still there to finalize its custom resources, custom
 * resources go before their definition, and the content of a Namespace before the Namespace.
 */
export function planWaves<T extends Pick<KubeObject, 'apiVersion' | 'kind'>>(
  objects: readonly T[],
  definitions: readonly KubeObject[] = objects.filter(isCrd) as unknown as KubeObject[],
): T[][] {
  const defined = new Set(definitions.map(definedKind));
  const waves: T[][] = [];
  for (const object of objects) (waves[waveOf(object, defined)] ??= []).push(object);
  return waves.filter((members) => members !== undefined && members.length > 0);
}

/** Number of the wave of one object; `defined` holds {@link definedKind} of the definitions at hand. */
export function waveOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>, defined: ReadonlySet<string>): number {
  if (isNamespace(object) || isCrd(object)) return wave.foundations;
  const key = groupKind(object);
  if (prerequisites.has(key)) return wave.prerequisites;
  if (interceptors.has(key)) return wave.interceptors;
  return defined.has(key) ? wave.customResources : wave.rest;
}

/** `group/Kind` that a CustomResourceDefinition defines. */
export function definedKind(crd: KubeObject): string {
  const spec = crd['spec'] as { group?: string; names?: { kind?: string } } | undefined;
  return `${spec?.group ?? ''}/${spec?.names?.kind ?? ''}`;
}

/** `group/Kind`, or `v1/Kind` for the core group. */
export function groupKind(object: Pick<KubeObject, 'apiVersion' | 'kind'>): string {
  const group = groupOf(object.apiVersion);
  return `${group === '' ? 'v1' : group}/${object.kind}`;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/**
 * Cuts feeds that are to be deleted into waves, the first to go at the front: {@link planWaves} backwards. The objects
 * behind the feeds need not be known: which kinds a CustomResourceDefinition defines shows in its name.
 */
export function planRemoval<T extends Feed>(feeds: readonly T[]): T[][] {
  const definedGroups = new Set(feeds.filter(isCrd).map((feed) => feed.name.slice(feed.name.indexOf('.') + 1)));
  const waves: T[][] = [];
  for (const feed of feeds) {
    const number = definedGroups.has(groupOf(feed.apiVersion)) ? wave.customResources : waveOf(feed, new Set());
    (waves[number] ??= []).push(feed);
  }
  return waves.filter((members) => members !== undefined && members.length > 0).reverse();
}
