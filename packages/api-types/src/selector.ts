// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LabelSelector } from './schemas/common.ts';

/**
 * Whether `labels` satisfy `selector`, by the rules of Kubernetes: an absent selector matches nothing, an empty one
 * everything; `NotIn` and `DoesNotExist` also match objects without the key.
 *
 * @throws RangeError for an unknown operator, or for `In`/`NotIn` without values: what such a selector was meant to
 * choose is not known, and "nothing" could be acted on.
 */
export function matchesSelector(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  if (selector === undefined) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (valueOf(labels, key) !== value) return false;
  }
  return (selector.matchExpressions ?? []).every((requirement) => matchesRequirement(requirement, labels));
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

function matchesRequirement({ key, operator, values = [] }: Requirement, labels: Record<string, string> | undefined): boolean {
  const value = valueOf(labels, key);
  switch (operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
    case 'NotIn': {
      if (values.length === 0) throw new RangeError(`label selector: operator ${operator} of key "${key}" needs values`);
      const listed = value !== undefined && values.includes(value);
      return operator === 'In' ? listed : !listed;
    }
    default:
      throw new RangeError(`label selector: unknown operator "${String(operator)}" of key "${key}"`);
  }
}

function valueOf(labels: Record<string, string> | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}
