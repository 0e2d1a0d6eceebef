// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Condition } from '@clusternet/api-types';
import { type CapiCluster } from './cluster.ts';
import { findCondition, setCondition } from '@clusternet/runtime';

/** Condition of a Cluster that says whether it is registered here. */
export const registeredCondition = 'ClusternetRegistered';

/** How far the registration of a Cluster is. */
export interface Progress {
  registered: boolean;
  /** One CamelCase word. */
  reason: string;
  message: string;
}

/**
 * The conditions to write into the status of a Cluster, or `undefined` when they say so already. All others stay; v1beta1 wants a severity
 * with what is False, and v1beta2 does not know it.
 */
export function nextConditions(
  { status, metadata }: CapiCluster,
  { registered, reason, message }: Progress,
  { version, now }: { version: string; now: Date },
): Condition[] | undefined {
  const condition = {
    type: registeredCondition,
    status: registered ? ('True' as const) : ('False' as const),
    reason,
    message: message.slice(0, 1024),
    ...(version === 'v1beta1' ? {} : { observedGeneration: metadata.generation }),
  };
  const { conditions, changed } = setCondition(status?.conditions, condition, now);
  if (!changed) return undefined;
  if (version !== 'v1beta1') return conditions;
  return conditions.map((one) => (one.type === registeredCondition && !registered ? { ...one, severity: 'Warning' } : one));
}

/** What was reported last. */
export function reportedReason({ status }: CapiCluster): string | undefined {
  return findCondition(status?.conditions, registeredCondition)?.reason;
}
