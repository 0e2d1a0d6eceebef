// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description } from '@clusternet/api-types';
import { dropManagedFields } from '@clusternet/runtime';
import { problemOf } from '../rollout/health.ts';

/**
 * A Description without the states of its objects, which rendering does not look at and which change all the time. Of them stays whether it is
 * healthy: phase Success, or Pending with the reason.
 */
export function withoutObserved(description: Description): Description {
  const { observedGeneration } = description.status ?? {};
  const problem = problemOf(description);
  const health = problem === undefined ? { phase: 'Success' as const } : { phase: 'Pending' as const, reason: problem };
  return {
    ...dropManagedFields(description),
    status: { ...health, ...(observedGeneration === undefined ? {} : { observedGeneration }) },
  };
}
