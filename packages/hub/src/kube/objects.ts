// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Condition, type KubeObject } from '@clusternet/api-types';

/** core/v1 Namespace, as far as the hub looks at it. */
export interface Namespace extends KubeObject {
  status?: { phase?: string };
}

/** core/v1 Secret. */
export interface Secret extends KubeObject {
  data?: Record<string, string>;
}

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** rbac.authorization.k8s.io/v1 Role or ClusterRole. */
export interface Role extends KubeObject {
  rules?: PolicyRule[];
}

/** rbac.authorization.k8s.io/v1 RoleBinding or ClusterRoleBinding. */
export interface RoleBinding extends KubeObject {
  roleRef: { apiGroup: string; kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string; apiGroup?: string }[];
}

/** authentication.k8s.io/v1 TokenRequest, its answer. */
export interface TokenRequest {
  status?: { token?: string; expirationTimestamp?: string };
}

/** True once the deletion of an object was asked for. */
export function isDeleting(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** True for a Namespace that takes no new objects any more. */
export function isTerminating(namespace: Namespace): boolean {
  return isDeleting(namespace) || namespace.status?.phase === 'Terminating';
}

/** Conditions of any object that follows the convention; `[]` where there are none or they are malformed. */
export function conditionsOf(object: KubeObject): Condition[] {
  const status = object.status as { conditions?: unknown } | undefined;
  return Array.isArray(status?.conditions) ? (status.conditions as Condition[]) : [];
}

/** True when `actual` holds every pair of `wanted`. */
export function includesPairs(actual: Record<string, string> | undefined, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => actual?.[key] === value);
}

/** Oldest first; by name where the API server's seconds cannot tell. */
export function byAge(a: KubeObject, b: KubeObject): number {
  const difference = Date.parse(a.metadata.creationTimestamp ?? '') - Date.parse(b.metadata.creationTimestamp ?? '');
  return Number.isNaN(difference) || difference === 0 ? a.metadata.name.localeCompare(b.metadata.name) : difference;
}

/**
 * Label keys that `manager` set by server-side apply on the object itself: what it may take away again.
 * Labels that people or other programs set are not among them.
 */
export function appliedLabels(object: KubeObject, manager: string): string[] {
  const keys = new Set<string>();
  for (const entry of object.metadata.managedFields ?? []) {
    if (entry.manager !== manager || entry.operation !== 'Apply' || entry.subresource) continue;
    const fields = (entry.fieldsV1 as { 'f:metadata'?: { 'f:labels'?: Record<string, unknown> } } | undefined)?.['f:metadata']?.[
      'f:labels'
    ];
    for (const key of Object.keys(fields ?? {})) if (key.startsWith('f:')) keys.add(key.slice(2));
  }
  return [...keys];
}

/** A copy of the object that remembers only what the managers applied: all that {@link appliedLabels} needs. */
export function keepManagedFields<T extends KubeObject>(object: T, managers: readonly string[]): T {
  const managedFields = object.metadata.managedFields?.filter(
    ({ manager, operation }) => operation === 'Apply' && managers.includes(String(manager)),
  );
  return { ...object, metadata: { ...object.metadata, managedFields } };
}
