// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, conditionTypes, fieldManagers, labels, resources, type Subscription } from '@clusternet/api-types';
import { isNotFound, objectKey } from '@clusternet/client';
import { setCondition } from '@clusternet/runtime';
import { isDeepStrictEqual } from 'node:util';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { isDeleting } from '../kube/objects.ts';
import { indexes } from '../stores.ts';
import { bindingsOf, isScheduled, resolveBinding, type Binding } from '../subscription/binding.ts';
import { aggregate, type ClusterReport } from './aggregate.ts';
import { clusterState } from './clusterState.ts';
import { deployedConditionOf } from './deployedCondition.ts';

// Reports of many clusters arrive together: they become one write, and one a second while they keep coming.
const quietMs = 200;
const maxQuietMs = 1_000;

/** Brings together, in the status of each Subscription, what the deployers of its clusters report. */
export class StatusController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: ControllerQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = new ControllerQueue(context, {
      name: 'status',
      workers: 4,
      quietMs,
      maxQuietMs,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { bases, descriptions, namespaces, subscriptions } = this.#context.stores;
    const enqueueOwner = (object: { metadata: { labels?: Record<string, string> } }): void => {
      for (const owner of subscriptions.byIndex(indexes.uid, object.metadata.labels?.[labels.subsUid] ?? ''))
        this.#queue.add(objectKey(owner));
    };
    this.#queue.start(
      subscriptions.onChange(({ type, key, object, previous }) => {
        if (type !== 'deleted' && !isDeepStrictEqual(inputOf(object), previous && inputOf(previous))) this.#queue.add(key);
      }),
      bases.onChange(({ object }) => enqueueOwner(object)),
      descriptions.onChange(({ object }) => enqueueOwner(object)),
      namespaces.onChange(({ key }) => {
        for (const subscription of subscriptions.byIndex(indexes.boundNamespace, key)) this.#queue.add(objectKey(subscription));
      }),
    );
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Writes the aggregated status of one Subscription where it changed. */
  async reconcile(key: string): Promise<void> {
    const subscription = this.#context.stores.subscriptions.get(key);
    if (!subscription || isDeleting(subscription)) return;
    const { status } = subscription;
    const scheduled = isScheduled(subscription);
    // Nothing to say about a new Subscription before its scheduler has spoken.
    if (!scheduled && status?.aggregatedStatuses === undefined) return;
    const clusters = bindingsOf(subscription).map((binding) => this.#report(subscription, binding));
    const { aggregatedStatuses, omitted } = aggregate(subscription.spec.feeds, clusters);
    const completedReleases = clusters.filter(({ state }) => state.available).length;
    const generation = subscription.metadata.generation;
    const condition = deployedConditionOf({ clusters, omitted, scheduled, generation });
    const { conditions, changed } = setCondition(status?.conditions, condition, this.#context.now());
    const same =
      !changed &&
      status?.completedReleases === completedReleases &&
      isDeepStrictEqual(status.aggregatedStatuses ?? [], aggregatedStatuses);
    if (same) return;
    const { name, namespace, uid } = subscription.metadata;
    try {
      await this.#context.api.resource(resources.subscriptions).apply(
        {
          apiVersion: apiVersionOf(resources.subscriptions),
          kind: resources.subscriptions.kind,
          metadata: { name, namespace, uid },
          status: {
            aggregatedStatuses,
            completedReleases,
            conditions: conditions.filter(({ type }) => type === conditionTypes.deployed),
          },
        },
        { fieldManager: fieldManagers.hub, force: true, subresource: 'status' },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #report(subscription: Subscription, binding: Binding): ClusterReport {
    const { stores } = this.#context;
    const { namespace, problem } = resolveBinding(binding, stores.namespaces);
    const inNamespace = (object: { metadata: { namespace?: string } }): boolean =>
      object.metadata.namespace === binding.namespace;
    const uid = subscription.metadata.uid ?? '';
    const state = clusterState({
      feeds: subscription.spec.feeds,
      base: stores.bases.byIndex(indexes.subscriptionUid, uid).find(inNamespace),
      descriptions: stores.descriptions.byIndex(indexes.subscriptionUid, uid).filter(inNamespace),
      problem,
    });
    return { clusterId: namespace?.metadata.labels?.[labels.clusterId], clusterName: binding.name, state };
  }
}

/** The part of a Subscription that its aggregated status follows from; not the status itself. */
function inputOf({ metadata, spec, status }: Subscription): unknown {
  return [metadata.uid, spec.feeds, status?.bindingClusters, status?.specHash];
}
