// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  ApiTypeError,
  fnv1a32,
  parseKind,
  resources,
  stableStringify,
  type ManagedCluster,
  type Subscription,
} from '@clusternet/api-types';
import { guardMassRemoval } from './guard.ts';
import { clusterKey, explainNone, explainSome, place } from './place.ts';

/** What a decision is made from. */
export interface DecisionInput {
  subscription: Subscription;
  clusters: readonly ManagedCluster[];
  absentForMs: (cluster: string) => number;
  now: Date;
}

/** Where a Subscription goes, and the condition that says so. */
export interface Decision {
  bindings: string[];
  /** FNV-1a hash of the spec that was acted on; the old one while that spec is not acted on. */
  specHash: number | undefined;
  scheduled: { status: 'True' | 'False'; reason: string; message: string };
  recheckAfterMs?: number;
}

/**
 * Decides one Subscription. Pure. What cannot be decided (an invalid spec, a strategy that this version lacks) or must not be done
 * unasked leaves the bindings as they are and says why.
 */
export function decide({ subscription, clusters, absentForMs, now }: DecisionInput): Decision {
  const bound = subscription.status?.bindingClusters ?? [];
  const stay = (reason: string, message: string, bindings: string[] = bound): Decision => ({
    bindings,
    specHash: subscription.status?.specHash,
    scheduled: { status: 'False', reason, message: shortened(message) },
  });
  const { spec } = subscription;
  try {
    parseKind(resources.subscriptions, subscription);
    if (spec.schedulingStrategy === 'Dividing')
      return stay('UnsupportedStrategy', 'schedulingStrategy Dividing is not supported by this version: use Replication');
    if (spec.schedulingBySubGroup === true)
      return stay('UnsupportedStrategy', 'schedulingBySubGroup is not supported by this version: leave it out');

    const placement = place({ spec, clusters, bound, absentForMs, now });
    const { recheckAfterMs } = placement;
    const specHash = fnv1a32(stableStringify(spec));
    const guarded = guardMassRemoval({
      subscription,
      placement,
      present: new Set(clusters.map(clusterKey)),
      specChanged: subscription.status?.specHash !== specHash,
    });
    if (guarded.held) return { ...stay('MassRemovalHeld', guarded.message, guarded.bindings), recheckAfterMs };
    const { bindings } = guarded;
    if (bindings.length > 0 || spec.subscribers.length === 0) {
      const message = shortened(explainSome(bindings, placement.rejected));
      return { bindings, specHash, scheduled: { status: 'True', reason: 'Scheduled', message }, recheckAfterMs };
    }
    const message = shortened(explainNone(placement));
    return { bindings, specHash, scheduled: { status: 'False', reason: 'NoClusterAvailable', message }, recheckAfterMs };
  } catch (error) {
    // Selectors with an operator that nobody knows are found only when they are used.
    if (error instanceof ApiTypeError || error instanceof RangeError) return stay('InvalidSubscription', error.message);
    throw error;
  }
}

/** Each cluster may have a taint of its own to tell about, and the API server refuses what is too long. */
function shortened(message: string): string {
  const longest = 1024;
  return message.length <= longest ? message : `${message.slice(0, longest - 3)}...`;
}
