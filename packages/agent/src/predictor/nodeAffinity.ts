// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesNodeSelectorTerm, type ReplicaRequirements } from '@clusternet/api-types';

/** What a node is known by. */
export interface NodeIdentity {
  name: string;
  labels: Readonly<Record<string, string>>;
}

/** Whether a node has every label asked for, and satisfies one of the terms that are required. Preferences do not count. */
export function matchesNode({ nodeSelector, affinity }: ReplicaRequirements, node: NodeIdentity): boolean {
  for (const [key, value] of Object.entries(nodeSelector ?? {}))
    if (!Object.hasOwn(node.labels, key) || node.labels[key] !== value) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}
