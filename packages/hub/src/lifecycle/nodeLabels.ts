// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, fieldManagers, type ManagedCluster, resources } from '@clusternet/api-types';
import { isDeepStrictEqual } from 'node:util';
import { allowedLabels } from '../approver/identity.ts';
import { type Controller, type ControllerContext } from '../controller.ts';
import { ControllerQueue } from '../kube/controllerQueue.ts';
import { appliedLabels, isDeleting } from '../kube/objects.ts';

/** Writes the labels that follow from a cluster's nodes, and takes away only what it wrote. */
export const nodeLabelManager = `${fieldManagers.hub}-nodes`;

/**
 * The labels that a cluster should get from its nodes, or `undefined` when they are there already. Labels under the same keys that
 * somebody else set stay as they are.
 */
export function nextNodeLabels(cluster: ManagedCluster): Record<string, string> | undefined {
  const present = cluster.metadata.labels ?? {};
  const own = appliedLabels(cluster, nodeLabelManager);
  const reported = allowedLabels(cluster.status?.nodeLabels ?? {}).labels;
  const wanted = Object.fromEntries(
    Object.entries(reported).filter(([key]) => own.includes(key) || !Object.hasOwn(present, key)),
  );
  const shown = Object.fromEntries(own.map((key) => [key, present[key]]));
  return isDeepStrictEqual(shown, wanted) ? undefined : wanted;
}

/** Copies the labels that agents find on most of their nodes to the ManagedClusters, which the agents themselves must not label. */
export class NodeLabels implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: ControllerQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = new ControllerQueue(context, {
      name: 'node-labels',
      reconcile: (key) => this.reconcile(key),
    });
  }

  start(): void {
    this.#queue.start(
      this.#context.stores.managedClusters.onChange(({ key, object, type }) => {
        if (type !== 'deleted' && nextNodeLabels(object)) this.#queue.add(key);
      }),
    );
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** Brings the labels of one cluster up to date. */
  async reconcile(key: string): Promise<void> {
    const cluster = this.#context.stores.managedClusters.get(key);
    if (!cluster || isDeleting(cluster)) return;
    const labels = nextNodeLabels(cluster);
    if (!labels) return;
    const { name, namespace, uid } = cluster.metadata;
    await this.#context.api.resource(resources.managedClusters).apply(
      {
        apiVersion: apiVersionOf(resources.managedClusters),
        kind: resources.managedClusters.kind,
        metadata: { name, namespace, uid, labels },
      },
      { fieldManager: nodeLabelManager, force: true },
    );
  }
}
