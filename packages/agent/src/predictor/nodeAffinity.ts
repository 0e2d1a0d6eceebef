// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ReplicaRequirements } from '@clusternet/api-types';

type Required = NonNullable<
  NonNullable<NonNullable<ReplicaRequirements['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>;
type Term = Required['nodeSelectorTerms'][number];
type Requirement = NonNullable<Term['matchExpressions']>[number];

/** What a node is known by. */
export interface NodeIdentity {
  name: string;
  labels: Readonly<Record<string, string>>;
}

/** Whether a node has every label asked for, and satisfies one of the terms that are required. Preferences do not count. */
export function matchesNode({ nodeSelector, affinity }: ReplicaRequirements, node: NodeIdentity): boolean {
  for (const [key, value] of Object.entries(nodeSelector ?? {})) if (labelOf(node, key) !== value) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: Term, node: NodeIdentity): boolean {
  // By the rules of Kubernetes an empty term matches nothing.
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => matches(requirement, labelOf(node, requirement.key))) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && matches(requirement, node.name))
  );
}

function labelOf({ labels }: NodeIdentity, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function matches({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const [bound] = values;
      if (value === undefined || bound === undefined || values.length !== 1 || !isInteger(value) || !isInteger(bound))
        return false;
      return operator === 'Gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
    default:
      return false;
  }
}

function isInteger(text: string): boolean {
  return /^-?\d{1,19}$/.test(text);
}
