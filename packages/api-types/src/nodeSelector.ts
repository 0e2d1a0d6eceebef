// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ReplicaRequirements } from './schemas/feedInventory.ts';

type Required = NonNullable<
  NonNullable<NonNullable<ReplicaRequirements['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>;

/** core/v1 NodeSelectorTerm, which also chooses clusters. */
export type NodeSelectorTerm = Required['nodeSelectorTerms'][number];

/** core/v1 NodeSelectorRequirement. */
export type NodeSelectorRequirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number];

/** Whether something with this name and these labels satisfies a term, by the rules of Kubernetes: an empty term matches nothing. */
export function matchesNodeSelectorTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  { name, labels = {} }: { name: string; labels?: Readonly<Record<string, string>> },
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => matches(one, Object.hasOwn(labels, one.key) ? labels[one.key] : undefined)) &&
    // The only field there is.
    matchFields.every((one) => one.key === 'metadata.name' && matches(one, name))
  );
}

function matches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
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
