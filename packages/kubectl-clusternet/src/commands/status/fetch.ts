// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import {
  type Base,
  type Description,
  type KubeObject,
  labels,
  type ManagedCluster,
  type ResourceDefinition,
  resources,
  type Subscription,
} from '@clusternet/api-types';
import { isForbidden, isNotFound, type KubeClient, type ListOptions } from '@clusternet/client';
import { type Snapshot } from './tree.ts';

/** Reads everything that belongs to a Subscription, undefined if there is none; what the user may not read is left out. */
export async function fetchSnapshot(client: KubeClient, ref: { namespace: string; name: string }): Promise<Snapshot | undefined> {
  const subscription = await findSubscription(client, ref);
  if (!subscription) return undefined;
  const namespaces = (subscription.status?.bindingClusters ?? []).map((key) => key.split('/')[0] ?? '');
  const labelSelector = `${labels.subsUid}=${subscription.metadata.uid}`;
  const [clusters, bases, descriptions] = await Promise.all([
    listIn<ManagedCluster>(client, resources.managedClusters, { namespaces }),
    listIn<Base>(client, resources.bases, { namespaces, labelSelector }),
    listIn<Description>(client, resources.descriptions, { namespaces, labelSelector }),
  ]);
  return { subscription, clusters, bases, descriptions };
}

async function findSubscription(client: KubeClient, ref: { namespace: string; name: string }): Promise<Subscription | undefined> {
  try {
    return await client.resource<Subscription>(resources.subscriptions).get(ref);
  } catch (error) {
    if (isNotFound(error) && !error.unserved) return undefined;
    throw error;
  }
}

/** All namespaces by one request; those of the clusters one by one where that is forbidden. */
async function listIn<T extends KubeObject>(
  client: KubeClient,
  definition: ResourceDefinition,
  o: { namespaces: string[]; labelSelector?: string },
): Promise<T[]> {
  const list = async (options: ListOptions): Promise<T[] | undefined> => {
    try {
      return (await client.resource<T>(definition).list({ labelSelector: o.labelSelector, ...options })).items;
    } catch (error) {
      if (isForbidden(error)) return undefined;
      throw error;
    }
  };
  const all = o.namespaces.length === 1 ? undefined : await list({});
  if (all) return all;
  return (await Promise.all(o.namespaces.map((namespace) => list({ namespace })))).flatMap((items) => items ?? []);
}
