// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, stableStringify, suffix, type Subscription } from '@clusternet/api-types';
import { type Placement } from './place.ts';

/** What becomes of a placement. */
export type Guarded = { held: false; bindings: string[] } | { held: true; bindings: string[]; plan: string; message: string };

/**
 * Holds a placement that takes a Subscription from every cluster that still exists, though it asks for clusters: a misspelt
 * selector, changed labels or a failing source must not uninstall an application everywhere. The user lets it through by
 * annotating the Subscription with the hash of the plan; no subscribers at all is a plain request and needs no approval.
 */
export function guardMassRemoval(subscription: Subscription, placement: Placement, present: ReadonlySet<string>): Guarded {
  const bound = subscription.status?.bindingClusters ?? [];
  const losing = bound.filter((cluster) => present.has(cluster));
  const asked = subscription.spec.subscribers.length === 0;
  if (placement.bindings.length > 0 || losing.length === 0 || asked) return { held: false, bindings: placement.bindings };
  const plan = suffix(stableStringify([subscription.metadata.uid, subscription.spec, losing]), 10);
  if (subscription.metadata.annotations?.[annotations.approvePlan] === plan) return { held: false, bindings: [] };
  return {
    held: true,
    bindings: losing,
    plan,
    message:
      `no cluster is selected any more, which would remove everything from all ${losing.length} bound clusters; held. ` +
      `Mend spec.subscribers or the labels of the clusters, or approve with the annotation ${annotations.approvePlan}=${plan}`,
  };
}
