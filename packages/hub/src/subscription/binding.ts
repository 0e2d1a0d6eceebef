// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { labels, type Subscription } from '@clusternet/api-types';
import { type Store } from '../kube/api.ts';
import { isTerminating, type Namespace } from '../kube/objects.ts';

/** One entry of `status.bindingClusters`. */
export interface Binding {
  /** Dedicated namespace of the cluster. */
  namespace: string;
  /** Name of the ManagedCluster. */
  name: string;
}

/** Reads the decision of the scheduler; entries that are not `namespace/name` are left out. */
export function bindingsOf(subscription: Subscription): Binding[] {
  const bindings = new Map<string, Binding>();
  for (const entry of subscription.status?.bindingClusters ?? []) {
    const [namespace = '', name = '', ...rest] = entry.split('/');
    if (namespace !== '' && name !== '' && rest.length === 0 && !bindings.has(namespace))
      bindings.set(namespace, { namespace, name });
  }
  return [...bindings.values()];
}

/** Entries of `status.bindingClusters` that name no cluster: something is wrong with the decision as a whole. */
export function unreadableBindings(subscription: Subscription): string[] {
  return (subscription.status?.bindingClusters ?? []).filter((entry) => !/^[^/]+\/[^/]+$/.test(entry));
}

/**
 * True once a scheduler decided. A Subscription that came back from a backup has no status: until somebody decided
 * anew, what is deployed stays.
 */
export function isScheduled(subscription: Subscription): boolean {
  return subscription.status?.specHash !== undefined || subscription.status?.bindingClusters !== undefined;
}

/** Why nothing can be deployed to a bound cluster, or the namespace where it can. */
export function resolveBinding(
  binding: Binding,
  namespaces: Pick<Store<Namespace>, 'get'>,
): { namespace: Namespace; problem?: undefined } | { namespace?: undefined; problem: string } {
  const namespace = namespaces.get(binding.namespace);
  if (!namespace?.metadata.labels?.[labels.clusterId]) {
    return { problem: `namespace ${binding.namespace} does not exist or does not belong to a registered cluster` };
  }
  if (isTerminating(namespace)) return { problem: `namespace ${binding.namespace} is being deleted` };
  return { namespace };
}
