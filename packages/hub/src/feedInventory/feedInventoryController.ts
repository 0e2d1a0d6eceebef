// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  apiVersionOf,
  createdBy,
  type Feed,
  feedKey,
  type FeedInventory,
  type FeedOrder,
  fieldManagers,
  groups,
  type HelmChart,
  type KubeObject,
  labels,
  type Manifest,
  resources,
  stableStringify,
  type Subscription,
} from '@clusternet/api-types';
import { isAlreadyExists } from '@clusternet/client';
import { type Change } from '@clusternet/runtime';
import { type Controller, type ControllerContext } from '../controller.ts';
import { type Store } from '../kube/api.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { isDeleting } from '../kube/objects.ts';
import { type Replicas, replicasOf, replicasOfChart, scalePathOf, UnparseableFeedError } from './replicasOf.ts';

/** What feeds name; only this controller needs them, so they are not among the shared stores. */
export interface FeedStores {
  /** With {@link feedIndexers}. */
  manifests: Store<Manifest>;
  helmCharts: Store<HelmChart>;
}

/** Name of the index of Manifests by the key of the feed that they answer. */
export const byFeed = 'feed';

/** Keys by which a Manifest is found. */
export function feedOfManifest({ template }: Manifest): string[] {
  const { apiVersion, kind, metadata } = template;
  return [feedKey({ apiVersion, kind, namespace: metadata?.namespace, name: metadata?.name ?? '' })];
}

/**
 * Keeps a FeedInventory for each Subscription that divides: how many replicas each feed wants, where that number stands, and what one
 * replica needs. Until every feed exists there is none, for a feed that is not known cannot be divided.
 */
export class FeedInventoryController implements Controller {
  readonly #context: ControllerContext;
  readonly #feeds: FeedStores;
  readonly #queue: ControllerQueue;
  readonly #dividing = new Map<string, Set<string>>();

  constructor(context: ControllerContext, feeds: FeedStores) {
    this.#context = context;
    this.#feeds = feeds;
    this.#queue = new ControllerQueue(context, {
      name: 'feedinventory',
      workers: 2,
      quietMs: 20,
      maxQuietMs: 200,
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    const { subscriptions, feedInventories } = this.#context.stores;
    this.#queue.start(
      subscriptions.onChange((change) => this.#subscriptionChanged(change)),
      feedInventories.onChange(({ key }) => {
        if (this.#dividing.has(key)) this.#queue.add(key);
      }),
      this.#feeds.manifests.onChange(({ object, previous }) => {
        for (const key of new Set([object, ...(previous ? [previous] : [])].flatMap(feedOfManifest))) this.#feedChanged(key);
        // It may tell where the replicas of other feeds stand.
        if (object.template.kind === 'CustomResourceDefinition') for (const key of this.#dividing.keys()) this.#queue.add(key);
      }),
      this.#feeds.helmCharts.onChange(({ object }) => this.#feedChanged(chartKey(object.metadata))),
    );
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Brings the FeedInventory of one Subscription in line with its feeds. */
  async reconcile(key: string): Promise<void> {
    const { recorder, stores } = this.#context;
    const subscription = stores.subscriptions.get(key);
    if (!subscription || isDeleting(subscription) || subscription.spec.schedulingStrategy !== 'Dividing') return;
    const present = stores.feedInventories.get(key);
    if (present && !isOurs(present)) return;
    const feeds: FeedOrder[] = [];
    const problems: string[] = [];
    for (const feed of subscription.spec.feeds) {
      try {
        feeds.push({ ...pick(feed), ...this.#replicas(feed) });
      } catch (error) {
        if (!(error instanceof UnparseableFeedError)) throw error;
        problems.push(`${feedKey(feed)}: ${error.message}`);
      }
    }
    if (problems.length > 0) {
      recorder.event(subscription, { type: 'Warning', reason: 'UnParseableFeeds', message: problems.join('; ').slice(0, 1024) });
      return;
    }
    await this.#write(subscription, { present, feeds });
  }

  #replicas(feed: Feed): Replicas {
    if (feed.kind === resources.helmCharts.kind && feed.apiVersion.startsWith(`${groups.apps}/`)) {
      const chart = this.#feeds.helmCharts.get(`${feed.namespace ?? ''}/${feed.name}`);
      if (!chart) throw new UnparseableFeedError('there is no such HelmChart yet');
      return replicasOfChart(chart);
    }
    const [manifest] = this.#feeds.manifests.byIndex(byFeed, feedKey(feed));
    if (!manifest) throw new UnparseableFeedError('there is no Manifest of it yet');
    return replicasOf(manifest.template, this.#scalePath(feed));
  }

  #scalePath({ apiVersion, kind }: Feed): string | undefined {
    const [group = '', version = ''] = apiVersion.split('/');
    if (version === '') return undefined;
    interface Definition extends KubeObject {
      spec?: { group?: string; names?: { kind?: string } };
    }
    const definition = this.#feeds.manifests
      .byIndex(byKind, 'CustomResourceDefinition')
      .map(({ template }) => template as Definition)
      .find(({ spec }) => spec?.group === group && spec.names?.kind === kind);
    return definition && scalePathOf(definition, version);
  }

  async #write(subscription: Subscription, { present, feeds }: { present?: FeedInventory; feeds: FeedOrder[] }): Promise<void> {
    const client = this.#context.api.resource<FeedInventory>(resources.feedInventories);
    const { name, namespace } = subscription.metadata;
    if (!present) {
      try {
        await client.create(inventoryOf(subscription, feeds), { fieldManager: fieldManagers.hub });
        return;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        present = await client.get({ name, namespace });
        if (!isOurs(present)) return;
      }
    }
    const wanted = inventoryOf(subscription, feeds);
    const sameOwner = present.metadata.ownerReferences?.[0]?.uid === subscription.metadata.uid;
    if (sameOwner && stableStringify(present.spec.feeds) === stableStringify(feeds)) return;
    const { labels: wantedLabels, ownerReferences } = wanted.metadata;
    const patch = { metadata: { labels: wantedLabels, ownerReferences }, spec: wanted.spec };
    await client.patch({ name, namespace }, patch, { type: 'merge', fieldManager: fieldManagers.hub });
  }

  #subscriptionChanged({ type, key, object, previous }: Change<Subscription>): void {
    if (type === 'deleted' || object.spec.schedulingStrategy !== 'Dividing') {
      this.#dividing.delete(key);
      return;
    }
    this.#dividing.set(key, new Set(object.spec.feeds.map(feedKey)));
    const same = previous !== undefined && stableStringify(previous.spec) === stableStringify(object.spec);
    if (!same || previous.metadata.uid !== object.metadata.uid) this.#queue.add(key);
  }

  #feedChanged(feed: string): void {
    for (const [key, feeds] of this.#dividing) if (feeds.has(feed)) this.#queue.add(key);
  }
}

/** Name of the index of Manifests by the kind of their object. */
export const byKind = 'kind';

/** The indexes that {@link FeedStores.manifests} needs. */
export const feedIndexers = {
  [byFeed]: feedOfManifest,
  [byKind]: ({ template }: Manifest): string[] => [template.kind],
};

/** What is kept of a Manifest: kinds that cannot have replicas, and are many or large, are reduced to their names. */
export function withoutContents(manifest: Manifest): Manifest {
  const { template } = manifest;
  const { apiVersion, kind, metadata } = template;
  const plain = (apiVersion === 'v1' && kind !== 'ReplicationController') || /(^|\.)k8s\.io\//.test(apiVersion);
  const { name, namespace, annotations } = metadata ?? { name: '' };
  const kept = kind === 'CustomResourceDefinition' ? definitionOf(template) : {};
  return {
    ...manifest,
    metadata: { ...manifest.metadata, managedFields: undefined },
    template: plain ? { apiVersion, kind, metadata: { name, namespace, annotations: ours(annotations) }, ...kept } : template,
  };
}

function definitionOf(template: KubeObject): object {
  interface Spec {
    group?: string;
    names?: { kind?: string };
    versions?: { name: string; subresources?: unknown }[];
  }
  const { group, names, versions = [] } = (template['spec'] ?? {}) as Spec;
  return {
    spec: { group, names: { kind: names?.kind }, versions: versions.map(({ name, subresources }) => ({ name, subresources })) },
  };
}

function ours(all: Record<string, string> | undefined): Record<string, string> | undefined {
  return all && Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith(`${groups.apps}/`)));
}

function inventoryOf(subscription: Subscription, feeds: FeedOrder[]): FeedInventory {
  const { name, namespace, uid = '' } = subscription.metadata;
  const short = name.length <= 63;
  return {
    apiVersion: apiVersionOf(resources.feedInventories),
    kind: resources.feedInventories.kind,
    metadata: {
      name,
      namespace,
      labels: {
        [labels.createdBy]: createdBy.controllerManager,
        ...(short ? { [labels.subsName]: name } : {}),
        [labels.subsNamespace]: namespace ?? '',
        [labels.subsUid]: uid,
      },
      ownerReferences: [
        {
          apiVersion: apiVersionOf(resources.subscriptions),
          kind: resources.subscriptions.kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: false,
        },
      ],
    },
    spec: { feeds },
  };
}

/** One that somebody else keeps is left to him. */
function isOurs({ metadata }: FeedInventory): boolean {
  return metadata.labels?.[labels.createdBy] === createdBy.controllerManager;
}

function chartKey({ namespace, name }: { namespace?: string; name: string }): string {
  return feedKey({ apiVersion: apiVersionOf(resources.helmCharts), kind: resources.helmCharts.kind, namespace, name });
}

function pick({ apiVersion, kind, namespace, name }: Feed): Feed {
  return { apiVersion, kind, ...(namespace ? { namespace } : {}), name };
}
