// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Description } from '@clusternet/api-types';
import { dropManagedFields } from '@clusternet/runtime';

/** A Description without the states of its objects, which rendering does not look at and which change all the time. */
export function withoutObserved(description: Description): Description {
  const { observedGeneration } = description.status ?? {};
  return { ...dropManagedFields(description), status: observedGeneration === undefined ? undefined : { observedGeneration } };
}
