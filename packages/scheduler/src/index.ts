// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { concernedBy, subscriptionIndexers, type SubscriptionIndex } from './concern.ts';
export { decide, type Decision, type DecisionInput } from './placement/decide.ts';
export { type Filter, type FilterInput, filters, type Verdict } from './placement/filters.ts';
export { place, type Placement, type PlacementInput } from './placement/place.ts';
export { SubscriptionScheduler, type SubscriptionSchedulerOptions } from './subscriptionScheduler.ts';
