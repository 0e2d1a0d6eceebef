// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ApiTypeError, parseKind } from './parseKind.ts';
import { apiVersionOf, type ResourceDefinition, type ResourceKey, resources } from './resources.ts';

const id = '05326c73-b450-49d8-a5e6-e77adac3d346';
const feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'settings' };
const subscription = { subscribers: [{ clusterAffinity: {} }], feeds: [feed] };

/** The least that each kind needs. */
const least: Record<ResourceKey, object> = {
  clusterRegistrationRequests: { spec: { clusterId: id } },
  managedClusters: { spec: { clusterId: id, syncMode: 'Pull' }, status: { conditions: [] } },
  manifests: { template: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } } },
  subscriptions: { spec: subscription, status: { aggregatedStatuses: [feed] } },
  bases: { spec: { feeds: [feed] } },
  descriptions: { spec: { deployer: 'Generic' }, status: { manifestStatuses: [feed] } },
  localizations: { spec: { feed } },
  globalizations: { spec: { feed } },
  helmCharts: { spec: { repo: 'https://charts.example.com', chart: 'nginx', targetNamespace: 'web' } },
  helmReleases: { spec: { repo: 'https://charts.example.com', chart: 'nginx', targetNamespace: 'web' } },
  feedInventories: { spec: { feeds: [feed] } },
  sockets: { path: '/' },
  serviceExports: { status: { conditions: [] } },
  serviceImports: { spec: { type: 'Headless', ports: [] } },
};
const keys = Object.keys(resources) as ResourceKey[];

function objectOf(definition: ResourceDefinition, parts: object) {
  const { kind, namespaced } = definition;
  return {
    apiVersion: apiVersionOf(definition),
    kind,
    metadata: { name: 'app', ...(namespaced && { namespace: 'default' }) },
    ...parts,
  };
}

function problem(definition: ResourceDefinition, value: unknown): ApiTypeError {
  try {
    parseKind(definition, value);
  } catch (error) {
    if (error instanceof ApiTypeError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const subscriptionProblem = (spec: object) =>
  problem(resources.subscriptions, objectOf(resources.subscriptions, { spec })).message;

describe('parseKind', () => {
  it.each(keys)('%s: takes the least that is needed, and its own result again', (key) => {
    const parsed = parseKind(resources[key], objectOf(resources[key], least[key]));
    expect(parsed).toMatchObject(objectOf(resources[key], least[key]));
    expect(parseKind(resources[key], parsed)).toEqual(parsed);
  });

  it('fills in defaults as the API server does', () => {
    const { spec } = parseKind(resources.subscriptions, objectOf(resources.subscriptions, { spec: subscription }));
    expect(spec).toEqual({
      schedulerName: 'default',
      schedulingStrategy: 'Replication',
      preemptionPolicy: 'PreemptLowerPriority',
      subscribers: [{ clusterAffinity: {}, weight: 0 }],
      feeds: [feed],
    });
  });

  it('keeps a priority of 0', () => {
    const { spec } = parseKind(resources.localizations, objectOf(resources.localizations, { spec: { feed, priority: 0 } }));
    expect(spec.priority).toBe(0);
  });

  it('takes null for absent, as the API server does', () => {
    const value = objectOf(resources.subscriptions, { spec: { ...subscription, clusterTolerations: null, schedulerName: null } });
    const withTime = { ...value, metadata: { ...value.metadata, creationTimestamp: null } };
    const parsed = parseKind(resources.subscriptions, withTime);
    expect(parsed.metadata).not.toHaveProperty('creationTimestamp');
    expect(parsed.spec).not.toHaveProperty('clusterTolerations');
    expect(parsed.spec.schedulerName).toBe('default');
    expect(withTime.metadata.creationTimestamp).toBeNull();
  });

  describe('errors', () => {
    it('name kind, object, field and rule', () => {
      expect(subscriptionProblem({ ...subscription, schedulingStrategy: 'Both' })).toBe(
        'Subscription default/app: spec.schedulingStrategy: must be one of "Replication", "Dividing"',
      );
    });

    it('carry each broken rule on its own', () => {
      const spec = { subscribers: [{ clusterAffinity: {}, weight: -1 }], feeds: [{ ...feed, name: '' }] };
      expect(problem(resources.subscriptions, objectOf(resources.subscriptions, { spec })).issues).toEqual([
        { path: 'spec.subscribers[0].weight', message: 'must be at least 0' },
        { path: 'spec.feeds[0].name', message: 'must have at least 1 character' },
      ]);
    });

    it.each([
      ['a missing field', { feeds: [] }, 'spec.subscribers: is required'],
      ['a wrong type', { ...subscription, priority: '1' }, 'spec.priority: must be a number'],
      ['a fraction', { ...subscription, priority: 1.5 }, 'spec.priority: must be an integer'],
      ['more than 32 bits', { ...subscription, priority: 2 ** 31 }, 'spec.priority: must be at most 2147483647'],
      ['text for a list', { ...subscription, feeds: 'all' }, 'spec.feeds: must be a list'],
      [
        'a feed twice',
        { ...subscription, feeds: [feed, feed] },
        'spec.feeds[1]: must not repeat feeds[0] (v1/ConfigMap/shop/settings)',
      ],
      [
        'dividing without saying how',
        { ...subscription, schedulingStrategy: 'Dividing' },
        'spec.dividingScheduling: dividingScheduling is required when schedulingStrategy is Dividing',
      ],
      [
        'dynamic dividing without saying how',
        { ...subscription, dividingScheduling: { type: 'Dynamic' } },
        'spec.dividingScheduling.dynamicDividing: dynamicDividing is required when type is Dynamic',
      ],
      [
        'fewest above most clusters',
        { ...subscription, dividingScheduling: { dynamicDividing: { minClusters: 2, maxClusters: 1 } } },
        'spec.dividingScheduling.dynamicDividing.minClusters: minClusters must not exceed maxClusters',
      ],
      [
        'subgroups without a strategy',
        { ...subscription, schedulingBySubGroup: true },
        'spec.subscribers: subGroupStrategy is required in every subscriber when schedulingBySubGroup is true',
      ],
    ])('for %s', (_about, spec, expected) => {
      expect(subscriptionProblem(spec)).toBe(`Subscription default/app: ${expected}`);
    });

    it('name cluster-scoped objects without a namespace, and say what a pattern wants', () => {
      const value = objectOf(resources.clusterRegistrationRequests, { spec: { clusterId: id, clusterName: 'A_b!' } });
      expect(problem(resources.clusterRegistrationRequests, value).message).toBe(
        'ClusterRegistrationRequest app: spec.clusterName: must be lower-case letters, digits, "-" and ".", starting and ending with a letter or digit',
      );
    });

    it('quote keys that are no plain words', () => {
      const status = { capacity: { 'example.com/gpu': 'many' } };
      const value = objectOf(resources.managedClusters, { ...least.managedClusters, status });
      expect(problem(resources.managedClusters, value).message).toBe(
        'ManagedCluster default/app: status.capacity["example.com/gpu"]: must be a quantity such as "500m" or "1Gi"',
      );
    });

    it('tell the wrong kind and what is no object at all', () => {
      expect(problem(resources.bases, objectOf(resources.subscriptions, { spec: subscription })).message).toBe(
        'Base default/app: kind: must be "Base"',
      );
      expect(problem(resources.bases, 7).message).toBe('Base: must be an object');
      expect(problem({ group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true }, {}).message).toBe(
        'Pod: no schema for v1',
      );
    });
  });
});

describe('names of clusters and namespaces', () => {
  const refused = (spec: object) => () =>
    parseKind(
      resources.clusterRegistrationRequests,
      objectOf(resources.clusterRegistrationRequests, { spec: { clusterId: id, ...spec } }),
    );

  it.each(['a', 'child-1', 'edge.berlin', 'a'.repeat(60)])('clusterName %s is good', (clusterName) => {
    expect(refused({ clusterName })).not.toThrow();
  });

  it.each(['A_b!', '-a', 'a-', 'a..b', 'x\nchild', 'a'.repeat(61), ''])('clusterName %j is refused', (clusterName) => {
    expect(refused({ clusterName })).toThrow('spec.clusterName: ');
  });

  it.each(['a.b', 'team_a', 'a'.repeat(64)])('clusterNamespace %s is refused', (clusterNamespace) => {
    expect(refused({ clusterNamespace })).toThrow('spec.clusterNamespace: ');
  });

  it.each([`x${id}`, id.toUpperCase(), 'child'])('clusterId %s is refused', (clusterId) => {
    expect(refused({ clusterId })).toThrow('spec.clusterId: must be a lower-case UUID');
  });
});

describe('unknown fields', () => {
  /** Adds a field that no schema knows to every object in the value. */
  function withExtra(value: unknown, extra: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => withExtra(item, extra));
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).map(([key, member]) => [key, withExtra(member, extra)] as const);
    return { ...Object.fromEntries(members), 'x-unknown': extra };
  }

  it.each(keys)('%s: survive parsing at every level', (key) => {
    fc.assert(
      fc.property(fc.jsonValue(), (extra) => {
        const value = withExtra(objectOf(resources[key], least[key]), extra);
        expect(parseKind(resources[key], value)).toMatchObject(value as object);
      }),
      { numRuns: 50 },
    );
  });
});
