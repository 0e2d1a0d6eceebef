// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  fieldManagers,
  finalizers,
  type KubeObject,
  labels,
  type Localization,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { isAlreadyExists, objectKey, parseKey } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { isDeepStrictEqual } from 'node:util';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { dropFinalizer, finalizerPatch } from '../kube/finalizer.ts';
import { forEachLimited } from '../kube/forEachLimited.ts';
import { isDeleting, type Namespace } from '../kube/objects.ts';
import { indexes } from '../stores.ts';
import { basePatch, desiredBase } from './base.ts';
import { GracefulMoves } from './gracefulMoves.ts';
import { type Binding, bindingsOf, isScheduled, resolveBinding, unreadableBindings } from './binding.ts';
import { desiredLocalization, divisionOf, isDivision, localizationPatch, type Share, withAwaited } from './division.ts';

// Bases of one Subscription written at the same time.
const parallelWrites = 16;
// Bases going away are seen by events; this is for an event that never came.
const teardownCheckMs = 30_000;

/**
 * Keeps one Base per cluster that the scheduler bound a Subscription to, and takes them away with it.
 *
 * @remarks Where replicas are divided, a Base names the Localizations with its shares, and is not rendered before they are there: at no
 * moment does a cluster run the full number.
 */
export class SubscriptionController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: ControllerQueue;
  readonly #moves: GracefulMoves;
  /** Bases whose deletion was granted, as the cache showed them: it may go on showing them for a while. */
  readonly #deleted = new WeakSet<Base>();

  /**
   * @param graceMs - how long an application stays in a cluster that is being emptied while it is not up elsewhere
   * @param monotonic - milliseconds from any beginning, never set back
   */
  constructor(context: ControllerContext, graceMs: number, monotonic: () => number = () => performance.now()) {
    this.#context = context;
    this.#moves = new GracefulMoves(context.stores, graceMs, monotonic);
    this.#queue = new ControllerQueue(context, {
      name: 'subscription',
      workers: 4,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { bases, descriptions, feedInventories, localizations, managedClusters, namespaces, subscriptions } =
      this.#context.stores;
    this.#queue.start(
      descriptions.onChange(({ object }) => {
        if (this.#moves.isWaiting(object.metadata.labels?.[labels.subsUid] ?? '')) this.#enqueueOwner(object);
      }),
      managedClusters.onChange(({ object }) => {
        for (const base of bases.byIndex(indexes.namespace, object.metadata.namespace ?? '')) {
          if (this.#moves.isWaiting(base.metadata.labels?.[labels.subsUid] ?? '')) this.#enqueueOwner(base);
        }
      }),
      subscriptions.onChange((change) => {
        if (matters(change)) this.#queue.add(change.key);
      }),
      bases.onChange(({ object }) => this.#enqueueOwner(object)),
      // A FeedInventory has the name of its Subscription.
      feedInventories.onChange(({ key }) => this.#queue.add(key)),
      localizations.onChange(({ object }) => {
        if (isDivision(object)) this.#enqueueOwner(object);
      }),
      namespaces.onChange(({ key }) => {
        for (const subscription of subscriptions.byIndex(indexes.boundNamespace, key)) this.#queue.add(objectKey(subscription));
      }),
    );
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** Brings the Bases of one Subscription in line with its bindings. */
  async reconcile(key: string): Promise<{ requeueAfterMs?: number } | void> {
    const subscription = this.#context.stores.subscriptions.get(key);
    if (!subscription) return this.#removeOrphans(key);
    if (isDeleting(subscription)) return this.#tearDown(subscription);
    if (!isScheduled(subscription)) return;
    return this.#sync(subscription);
  }

  async #sync(subscription: Subscription): Promise<{ requeueAfterMs?: number } | void> {
    const { api, recorder, stores } = this.#context;
    const bindings = bindingsOf(subscription);
    const wanted: Namespace[] = [];
    const clusters = new Map<string, Binding>();
    for (const binding of bindings) {
      const { namespace, problem } = resolveBinding(binding, stores.namespaces);
      if (namespace) {
        wanted.push(namespace);
        clusters.set(namespace.metadata.name, binding);
        continue;
      }
      recorder.event(subscription, {
        type: 'Warning',
        reason: 'BindingImpossible',
        message: `cluster ${binding.name}: ${problem}`,
      });
    }
    const patch = wanted.length > 0 ? finalizerPatch(subscription) : undefined;
    if (patch !== undefined) {
      // Before the first Base: nothing must exist that a deletion of the Subscription would forget.
      const { name, namespace } = subscription.metadata;
      await api
        .resource(resources.subscriptions)
        .patch({ name, namespace }, patch, { type: 'merge', fieldManager: fieldManagers.hub });
    }
    const division = divisionOf(subscription, stores.feedInventories.get(objectKey(subscription)));
    if (division.kind === 'unknown') {
      const message = `what is deployed stays, and nothing new is: ${division.problem}`;
      if (wanted.length > 0) recorder.event(subscription, { type: 'Warning', reason: 'BadSchedulingResult', message });
    } else {
      const sharesOf = ({ metadata }: Namespace): readonly Share[] => {
        const binding = clusters.get(metadata.name);
        if (division.kind === 'none' || binding === undefined) return [];
        return division.shares.get(`${binding.namespace}/${binding.name}`) ?? [];
      };
      await forEachLimited(wanted, parallelWrites, async (namespace) => {
        const shares = sharesOf(namespace);
        const base = await this.#ensureBase(subscription, namespace, shares);
        if (base !== undefined) await this.#ensureShares(subscription, base, shares);
      });
    }
    const unreadable = unreadableBindings(subscription);
    if (unreadable.length > 0) {
      recorder.event(subscription, {
        type: 'Warning',
        reason: 'BindingUnreadable',
        message:
          'nothing is removed from any cluster while status.bindingClusters holds what is not namespace/name: ' +
          unreadable
            .slice(0, 3)
            .map((entry) => JSON.stringify(entry.slice(0, 100)))
            .join(', '),
      });
      return;
    }
    const bound = new Set(bindings.map(({ namespace }) => namespace));
    const present = stores.bases.byIndex(indexes.subscriptionUid, subscription.metadata.uid ?? '');
    const leaving = present.filter(({ metadata }) => !bound.has(metadata.namespace ?? ''));
    const targets = wanted.map(({ metadata }) => metadata.name);
    const moves = this.#moves.sort(subscription, leaving, targets);
    await this.#delete(moves.now);
    await this.#deleteSurplus(subscription, present, wanted);
    return moves.checkAfterMs === undefined ? undefined : { requeueAfterMs: Math.ceil(moves.checkAfterMs) };
  }

  /** The Base as it is then; undefined while an old one is going away. */
  async #ensureBase(subscription: Subscription, namespace: Namespace, shares: readonly Share[]): Promise<Base | undefined> {
    const wanted = withAwaited(desiredBase(subscription, namespace), shares);
    const client = this.#context.api.resource<Base>(resources.bases);
    const ref = { name: wanted.metadata.name, namespace: wanted.metadata.namespace };
    let present = this.#context.stores.bases.get(objectKey(wanted));
    if (!present) {
      try {
        return await client.create(wanted, { fieldManager: fieldManagers.hub });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      present = await client.get(ref);
    }
    // One under deletion is made anew when it is gone, which is an event.
    if (isDeleting(present)) return undefined;
    const patch = basePatch(present, wanted);
    if (patch === undefined) return present;
    return client.patch(ref, patch, { type: 'merge', fieldManager: fieldManagers.hub });
  }

  /** Brings the Localizations of a Base in line with its shares. */
  async #ensureShares(subscription: Subscription, base: Base, shares: readonly Share[]): Promise<void> {
    const { api, stores } = this.#context;
    const client = api.resource<Localization>(resources.localizations);
    const wanted = shares.map((share) => desiredLocalization(subscription, base, share));
    for (const one of wanted) {
      const present = stores.localizations.get(objectKey(one));
      if (present === undefined || isDeleting(present)) {
        try {
          await client.create(one, { fieldManager: fieldManagers.hub });
          continue;
        } catch (error) {
          if (!isAlreadyExists(error)) throw error;
        }
      }
      const { name, namespace } = one.metadata;
      const patch = localizationPatch(present ?? (await client.get({ name, namespace })), one);
      if (patch !== undefined) await client.patch({ name, namespace }, patch, { type: 'merge', fieldManager: fieldManagers.hub });
    }
    const keep = new Set(wanted.map(({ metadata }) => metadata.name));
    const left = stores.localizations
      .byIndex(indexes.subscriptionUid, subscription.metadata.uid ?? '')
      .filter(({ metadata }) => metadata.namespace === base.metadata.namespace && !keep.has(metadata.name));
    for (const localization of left.filter((one) => isDivision(one) && !isDeleting(one))) {
      const { name, namespace, uid } = localization.metadata;
      await client.delete({ name, namespace }, { preconditions: { uid } });
    }
  }

  /** Bases of another name for the same cluster, as versions with random names left them, go once ours is there. */
  async #deleteSurplus(subscription: Subscription, present: Base[], namespaces: Namespace[]): Promise<void> {
    const names = new Map(
      namespaces.map((namespace) => [namespace.metadata.name, desiredBase(subscription, namespace).metadata.name]),
    );
    await this.#delete(
      present.filter(({ metadata }) => {
        const name = names.get(metadata.namespace ?? '');
        return (
          name !== undefined &&
          name !== metadata.name &&
          this.#context.stores.bases.get(`${metadata.namespace ?? ''}/${name}`) !== undefined
        );
      }),
    );
  }

  async #tearDown(subscription: Subscription): Promise<{ requeueAfterMs?: number } | void> {
    if (!subscription.metadata.finalizers?.includes(finalizers.default)) return;
    const { api, stores } = this.#context;
    const uid = subscription.metadata.uid ?? '';
    this.#moves.forget(uid);
    let present = stores.bases.byIndex(indexes.subscriptionUid, uid);
    if (present.length === 0) {
      // The cache may not show yet what the last pass made.
      const { items } = await api.resource<Base>(resources.bases).list({ labelSelector: `${labels.subsUid}=${uid}` });
      present = items;
    }
    if (present.length > 0) {
      await this.#delete(present);
      return { requeueAfterMs: teardownCheckMs };
    }
    await dropFinalizer(api, resources.subscriptions, subscription);
  }

  /** Bases whose Subscription is gone without having been torn down, because somebody took its finalizer away. */
  async #removeOrphans(key: string): Promise<void> {
    const { api, stores } = this.#context;
    const { name, namespace = '' } = parseKey(key);
    const orphans = stores.bases
      .list()
      .filter(
        ({ metadata }) => metadata.labels?.[labels.subsNamespace] === namespace && metadata.labels[labels.subsName] === name,
      )
      .filter(({ metadata }) => !isDeleting({ metadata } as Base));
    if (orphans.length === 0) return;
    // A cache is no reason to remove anything: ask the API server.
    const live = await api.resource<Subscription>(resources.subscriptions).find({ name, namespace });
    await this.#delete(orphans.filter(({ metadata }) => metadata.labels?.[labels.subsUid] !== live?.metadata.uid));
  }

  async #delete(bases: readonly Base[]): Promise<void> {
    const client = this.#context.api.resource<Base>(resources.bases);
    const live = bases.filter((base) => !isDeleting(base) && !this.#deleted.has(base));
    await forEachLimited(live, parallelWrites, async (base) => {
      const { name, namespace, uid } = base.metadata;
      await client.delete({ name, namespace }, { propagationPolicy: 'Background', preconditions: { uid } });
      this.#deleted.add(base);
    });
  }

  #enqueueOwner(base: KubeObject): void {
    const { [labels.subsUid]: uid = '', [labels.subsNamespace]: namespace, [labels.subsName]: name } = base.metadata.labels ?? {};
    const [owner] = this.#context.stores.subscriptions.byIndex(indexes.uid, uid);
    if (owner) this.#queue.add(objectKey(owner));
    else if (namespace && name) this.#queue.add(`${namespace}/${name}`);
  }
}

/** False for changes of a Subscription that no Base depends on, above all the status the hub itself writes. */
function matters({ type, object, previous }: Change<Subscription>): boolean {
  if (type !== 'modified' || !previous) return true;
  return !(
    isDeepStrictEqual(object.spec, previous.spec) &&
    isDeepStrictEqual(object.status?.bindingClusters, previous.status?.bindingClusters) &&
    isDeepStrictEqual(object.status?.replicas, previous.status?.replicas) &&
    object.status?.specHash === previous.status?.specHash &&
    object.metadata.deletionTimestamp === previous.metadata.deletionTimestamp &&
    isDeepStrictEqual(object.metadata.annotations, previous.metadata.annotations) &&
    isDeepStrictEqual(object.metadata.finalizers, previous.metadata.finalizers)
  );
}
