// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject, type ReplicaRequirements } from '@clusternet/api-types';
import { ApiError, type KubeClient } from '@clusternet/client';
import { type NodeState } from './plugins.ts';
import { predict } from './predict.ts';
import { placesOf } from './volumeTopology.ts';

const inZone = (...values: string[]) => ({ matchExpressions: [{ key: 'zone', operator: 'In', values }] });
const objects: Record<string, object> = {
  'persistentvolumeclaims shop/in-a': { spec: { volumeName: 'volume-a', storageClassName: 'only-b' } },
  'persistentvolumeclaims shop/on-n3': { spec: { volumeName: 'volume-n3' } },
  'persistentvolumeclaims shop/anywhere': { spec: { volumeName: 'network' } },
  'persistentvolumeclaims shop/open': { spec: { storageClassName: 'only-b' } },
  'persistentvolumeclaims shop/classless': { spec: {} },
  'persistentvolumes volume-a': { spec: { nodeAffinity: { required: { nodeSelectorTerms: [inZone('a')] } } } },
  'persistentvolumes volume-n3': {
    spec: {
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n3'] }] }] },
      },
    },
  },
  'persistentvolumes network': { spec: {} },
  'storageclasses only-b': { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['b'] }] }] },
  'storageclasses everywhere': {},
};

const child = {
  resource: ({ resource }: { resource: string }) => ({
    find: async ({ namespace, name }: { namespace?: string; name: string }) => {
      if (name === 'secret') throw new ApiError('no', { status: 403, reason: 'Forbidden' });
      if (name === 'broken') throw new ApiError('etcd is away', { status: 500 });
      return objects[`${resource} ${namespace === undefined ? '' : `${namespace}/`}${name}`] as KubeObject | undefined;
    },
  }),
} as unknown as Pick<KubeClient, 'resource'>;

const nodes: NodeState[] = [
  ['n1', 'a'],
  ['n2', 'a'],
  ['n3', 'b'],
].map(([name = '', zone = '']) => ({
  name,
  labels: { zone },
  taints: [],
  unschedulable: false,
  allocatable: { pods: 10 },
  used: { requests: {}, pods: 0 },
}));

describe('the topology of volumes', () => {
  it.each<[string, Pick<ReplicaRequirements, 'volumeClaims' | 'storageClassNames'>, number]>([
    ['nothing at all', {}, 30],
    ['a claim whose volume is in one zone, whatever its class says', { volumeClaims: ['shop/in-a'] }, 20],
    ['a claim whose volume is on one node', { volumeClaims: ['shop/on-n3'] }, 10],
    ['a claim whose volume is reached from everywhere', { volumeClaims: ['shop/anywhere'] }, 30],
    ['a claim that is bound where its class allows it', { volumeClaims: ['shop/open'] }, 10],
    ['a claim of no class', { volumeClaims: ['shop/classless'] }, 30],
    ['a claim that comes with the application', { volumeClaims: ['shop/new'] }, 30],
    ['two claims of different zones', { volumeClaims: ['shop/in-a', 'shop/open'] }, 0],
    ['a class of one zone', { storageClassNames: ['only-b'] }, 10],
    ['a class of all zones', { storageClassNames: ['everywhere'] }, 30],
    ['a class that is not there', { storageClassNames: ['missing'] }, 30],
    ['what the agent may not read', { volumeClaims: ['shop/secret'], storageClassNames: ['secret'] }, 30],
  ])('leaves room by %s', async (_, requirements, expected) => {
    const places = await placesOf(child, requirements);
    expect(predict(requirements, nodes, { places }).replicas['default']).toBe(expected);
  });

  it('is an error where it cannot be found out', async () => {
    await expect(placesOf(child, { volumeClaims: ['shop/broken'] })).rejects.toThrow('etcd is away');
  });
});
