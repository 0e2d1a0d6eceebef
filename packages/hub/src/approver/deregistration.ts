// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type ClusterRegistrationRequest,
  finalizers,
  type KubeObject,
  labels,
  type ResourceDefinition,
  resources,
} from '@clusternet/api-types';
import { core, isNotFound } from '@clusternet/client';
import { type ControllerContext } from '../controller.ts';
import { dropFinalizer } from '../kube/finalizer.ts';
import { forEachLimited } from '../kube/forEachLimited.ts';
import { isDeleting, isTerminating, type Namespace } from '../kube/objects.ts';
import { indexes } from '../stores.ts';
import { type ClusterResources } from './clusterResources.ts';

// A namespace under deletion is looked at this often, as its content may gain a finalizer until the last moment.
const retryMs = 1_000;

/** Takes a cluster out when its request is deleted, and leaves nothing behind in the parent; what runs in the child stays. */
export class Deregistration {
  readonly #context: ControllerContext;
  readonly #clusterResources: ClusterResources;
  /** What was deployed in clusters that are being taken out, by cluster id: known only until the Bases are gone. */
  readonly #deployed = new Map<string, Set<string>>();

  constructor(context: ControllerContext, clusterResources: ClusterResources) {
    this.#context = context;
    this.#clusterResources = clusterResources;
  }

  /** One step; to be repeated until it returns nothing. */
  async advance(request: ClusterRegistrationRequest, clusterId: string): Promise<{ requeueAfterMs?: number } | void> {
    // Without the finalizer nothing was ever made for this request: it must not take down what another one owns.
    if (!request.metadata.finalizers?.includes(finalizers.default)) return;
    const { api, stores, recorder } = this.#context;
    const namespaces = stores.namespaces.byIndex(indexes.clusterId, clusterId);
    const deployed = this.#remember(clusterId, namespaces);
    await this.#clusterResources.revoke({ clusterId }, namespaces);
    const clusters = namespaces.flatMap(({ metadata }) => stores.managedClusters.byIndex(indexes.namespace, metadata.name));
    await forEachLimited(clusters, 4, async ({ metadata: { name, namespace } }) => {
      await api.resource(resources.managedClusters).delete({ name, namespace });
    });
    let gone = true;
    for (const namespace of namespaces) gone = (await this.#removeNamespace(namespace)) && gone;
    if (!gone) return { requeueAfterMs: retryMs };
    await dropFinalizer(api, resources.clusterRegistrationRequests, request);
    this.#deployed.delete(clusterId);
    const message = `nothing of the cluster is left in the parent${describeLeft(deployed)}`;
    recorder.event(request, { type: 'Normal', reason: 'Deregistered', message });
  }

  #remember(clusterId: string, namespaces: readonly Namespace[]): ReadonlySet<string> {
    const deployed = this.#deployed.get(clusterId) ?? new Set<string>();
    this.#deployed.set(clusterId, deployed);
    for (const { metadata } of namespaces) {
      for (const base of this.#context.stores.bases.byIndex(indexes.namespace, metadata.name)) {
        const { [labels.subsNamespace]: home = '', [labels.subsName]: name } = base.metadata.labels ?? {};
        deployed.add(name === undefined ? base.metadata.name : `${home}/${name}`);
      }
    }
    return deployed;
  }

  /**
   * Lets go of everything in a namespace under deletion that waits for a component which may never come back: the
   * objects in the child are kept, only the parent's memory of them ends.
   */
  async releaseContent(namespace: string): Promise<void> {
    const { api, stores } = this.#context;
    const held: [ResourceDefinition, KubeObject[]][] = [
      [resources.helmReleases, stores.helmReleases.byIndex(indexes.namespace, namespace)],
      [resources.descriptions, stores.descriptions.byIndex(indexes.namespace, namespace)],
      [resources.bases, stores.bases.byIndex(indexes.namespace, namespace)],
      [core.secrets, stores.childSecrets.byIndex(indexes.namespace, namespace)],
    ];
    for (const [definition, objects] of held) {
      // Only what is being deleted: its owner would put the finalizer back on anything else.
      await forEachLimited(objects.filter(isDeleting), 8, async (object) => dropFinalizer(api, definition, object));
    }
  }

  async #removeNamespace(namespace: Namespace): Promise<boolean> {
    const { name, uid } = namespace.metadata;
    const namespaces = this.#context.api.resource<Namespace>(core.namespaces);
    if (!isTerminating(namespace)) {
      try {
        await namespaces.delete({ name }, { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    await this.releaseContent(name);
    return (await namespaces.find({ name })) === undefined;
  }
}

const mostNamed = 20;

/** What stays in a cluster that was taken out with applications in it. */
function describeLeft(deployed: ReadonlySet<string>): string {
  if (deployed.size === 0) return '';
  const names = [...deployed].sort();
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `; what was deployed stays in the cluster, of ${names.slice(0, mostNamed).join(', ')}${more}: drain a cluster first to clean it`;
}
