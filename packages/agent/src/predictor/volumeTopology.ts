// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject, type NodeSelectorTerm, type ReplicaRequirements } from '@clusternet/api-types';
import { core, isForbidden, type KubeClient, type ObjectRef, resourceDefinition } from '@clusternet/client';

/** Terms of which a node has to satisfy one. */
export type Place = readonly NodeSelectorTerm[];

interface Claim extends KubeObject {
  spec?: { volumeName?: string; storageClassName?: string };
}

interface Volume extends KubeObject {
  spec?: { nodeAffinity?: { required?: { nodeSelectorTerms?: NodeSelectorTerm[] } } };
}

interface StorageClass extends KubeObject {
  allowedTopologies?: { matchLabelExpressions?: { key: string; values: string[] }[] }[];
}

const storageClasses = resourceDefinition('storage.k8s.io/v1', 'StorageClass', 'storageclasses', false);
/** Of one replica; more are not looked at. */
const mostVolumes = 32;

/**
 * Where the volumes of a replica can be reached: a claim that is bound by the affinity of its volume, one that is not, or is still to be
 * made, by the topologies of its class. A claim that is not there yet binds nothing, nor does what the agent may not read.
 */
export async function placesOf(
  child: Pick<KubeClient, 'resource'>,
  { volumeClaims = [], storageClassNames = [] }: ReplicaRequirements,
): Promise<Place[]> {
  const claims = await Promise.all(
    volumeClaims.slice(0, mostVolumes).map((ref) => find<Claim>(child, core.persistentVolumeClaims, refOf(ref))),
  );
  const volumes = claims.flatMap((claim) => claim?.spec?.volumeName ?? []);
  const unbound = claims.flatMap((claim) => (claim?.spec?.volumeName ? [] : (claim?.spec?.storageClassName ?? [])));
  const classes = new Set([...unbound, ...storageClassNames.slice(0, mostVolumes)]);
  const [bound, open] = await Promise.all([
    Promise.all(volumes.map((name) => find<Volume>(child, core.persistentVolumes, { name }))),
    Promise.all([...classes].map((name) => find<StorageClass>(child, storageClasses, { name }))),
  ]);
  return [
    ...bound.flatMap((volume) => {
      const terms = volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms;
      return terms ? [terms] : [];
    }),
    ...open.flatMap((one) => (one?.allowedTopologies?.length ? [one.allowedTopologies.map(termOf)] : [])),
  ];
}

function termOf({ matchLabelExpressions = [] }: NonNullable<StorageClass['allowedTopologies']>[number]): NodeSelectorTerm {
  return { matchExpressions: matchLabelExpressions.map(({ key, values }) => ({ key, operator: 'In' as const, values })) };
}

function refOf(text: string): ObjectRef {
  const [namespace, name = ''] = text.split('/');
  return { namespace, name };
}

async function find<T extends KubeObject>(
  child: Pick<KubeClient, 'resource'>,
  definition: Parameters<KubeClient['resource']>[0],
  ref: ObjectRef,
): Promise<T | undefined> {
  try {
    return await child.resource<T>(definition).find(ref);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
