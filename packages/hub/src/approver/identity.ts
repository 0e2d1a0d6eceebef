// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type ClusterRegistrationRequest,
  isLabelKey,
  isLabelValue,
  names,
  nodeLabelPrefix,
  parseKind,
  resources,
} from '@clusternet/api-types';
import { messageOf } from '../kube/forEachLimited.ts';

/** Name of the request of a cluster, and of its ClusterRole and ClusterRoleBinding. */
export function requestNameOf(clusterId: string): string {
  return `${names.prefix}${clusterId}`;
}

/**
 * Cluster id that a request is about. The name decides, never `spec.clusterId`: a child may change the spec of its
 * own request, but not its name.
 */
export function clusterIdOf(requestName: string): string | undefined {
  return requestName.startsWith(names.prefix) ? requestName.slice(names.prefix.length) : undefined;
}

/**
 * Why a request can never be approved as it is, or `undefined` when it is well formed.
 * The schema's patterns are anchored, so nothing can ride behind a valid beginning.
 */
export function malformed(request: ClusterRegistrationRequest): string | undefined {
  const id = clusterIdOf(request.metadata.name);
  if (id === undefined) return `the name must be ${names.prefix}<cluster id>`;
  try {
    parseKind(resources.clusterRegistrationRequests, request);
  } catch (error) {
    return messageOf(error);
  }
  if (request.spec?.clusterId !== id) {
    return `spec.clusterId is ${request.spec?.clusterId ?? 'empty'}, but the name of the request says ${id}`;
  }
  return undefined;
}

const ours = /^([a-z0-9-]+\.)*clusternet\.io\//;

/**
 * The labels a cluster asks for, without those that are not its own to set: keys under `clusternet.io` say what the
 * system knows (identity, origin), and a cluster must not be able to pass for another one. Invalid labels are left out
 * too, as one of them would make the API server refuse the whole ManagedCluster.
 */
export function requestedLabels(request: ClusterRegistrationRequest): { labels: Record<string, string>; dropped: string[] } {
  return allowedLabels(request.spec?.clusterLabels ?? {});
}

/** Of labels that a cluster gives itself those that are its own to set, and the keys of the others. */
export function allowedLabels(wanted: Readonly<Record<string, string>>): { labels: Record<string, string>; dropped: string[] } {
  const labels: Record<string, string> = {};
  const dropped: string[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const reserved = ours.test(key) && !key.startsWith(nodeLabelPrefix);
    if (reserved || !isLabelKey(key) || !isLabelValue(value)) dropped.push(key);
    else labels[key] = value;
  }
  return { labels, dropped: dropped.sort() };
}
