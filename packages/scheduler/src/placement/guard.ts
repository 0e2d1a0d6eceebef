// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, stableStringify, suffix, type Subscription } from '@clusternet/api-types';

/** What becomes of a placement. */
export type Guarded = { held: false; bindings: string[] } | { held: true; bindings: string[]; plan: string; message: string };

/** What a placement is judged by. */
export interface GuardInput {
  subscription: Subscription;
  placement: { bindings: string[] };
  /** Clusters that have a ManagedCluster. */
  present: ReadonlySet<string>;
  /** Whether the spec is another than the one that led to the present bindings. */
  specChanged: boolean;
  /** Clusters that a NoExecute taint takes it from. */
  evicting?: ReadonlySet<string>;
}

/**
 * Holds a placement that takes a Subscription from every cluster that still exists: a misspelt selector, changed labels or a failing
 * source must not uninstall an application everywhere. The user lets it through by annotating the Subscription with the hash of the
 * plan. What the user's own change plainly asks for needs no approval: no subscribers, no feeds, or a new spec that selects others.
 *
 * @remarks Clusters that vanished count neither as kept nor as lost: there is nothing in them that could be saved.
 */
export function guardMassRemoval({ subscription, placement, present, specChanged, evicting }: GuardInput): Guarded {
  const { spec, status, metadata } = subscription;
  const losing = (status?.bindingClusters ?? []).filter((cluster) => present.has(cluster)).sort();
  const targets = placement.bindings.filter((cluster) => present.has(cluster));
  const keepsSome = losing.some((cluster) => targets.includes(cluster));
  // Where a number of replicas or clusters is asked for, what leaves a dead cluster is made up for elsewhere: nothing is lost.
  const counted = spec.schedulingStrategy === 'Dividing' || spec.schedulingBySubGroup === true;
  const failsOver = counted && targets.length > 0 && losing.every((cluster) => evicting?.has(cluster));
  const asked = failsOver || spec.subscribers.length === 0 || spec.feeds.length === 0 || (specChanged && targets.length > 0);
  if (losing.length === 0 || keepsSome || asked) return { held: false, bindings: placement.bindings };

  const plan = suffix(stableStringify([metadata.uid, spec, losing, targets]), 10);
  if (metadata.annotations?.[annotations.approvePlan] === plan) return { held: false, bindings: placement.bindings };
  const inGrace = placement.bindings.filter((cluster) => !present.has(cluster));
  const selected = targets.length === 0 ? 'no cluster is' : 'only other clusters are';
  const count = losing.length === 1 ? 'the one bound cluster' : `all ${losing.length} bound clusters`;
  return {
    held: true,
    bindings: [...new Set([...losing, ...inGrace])].sort(),
    plan,
    message:
      `${selected} selected any more, which would remove everything from ${count}; held. ` +
      `Mend spec.subscribers, or the labels and taints of the clusters, or approve with the annotation ${annotations.approvePlan}=${plan}`,
  };
}
