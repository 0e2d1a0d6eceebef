// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  apiVersionOf,
  crds,
  parseKind,
  resources,
  type CustomResourceDefinition,
  type KubeObject,
  type ResourceDefinition,
  type ResourceKey,
} from '@clusternet/api-types';
import { startClusters, type ClusterSet } from '@clusternet/localup';

const run = promisify(execFile);
const crdFolder = fileURLToPath(new URL('../../packages/api-types/crds', import.meta.url));
const id = '05326c73-b450-49d8-a5e6-e77adac3d346';
const feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'settings' };
const subscription = { subscribers: [{ clusterAffinity: {} }], feeds: [feed] };
const chart = { repo: 'https://charts.example.com', chart: 'nginx', targetNamespace: 'web' };

let clusters: ClusterSet;

beforeAll(async () => {
  clusters = await startClusters({ parent: true, children: 0 });
  await kubectl('apply', '--server-side', '-f', crdFolder);
  const names = crds().map(({ metadata }) => `crd/${metadata.name}`);
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', ...names);
}, 1_200_000);

afterAll(() => clusters?.close());

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run(clusters.binaries.kubectl, ['--kubeconfig', clusters.parent.kubeconfigPath, ...args]);
  return stdout;
}

function pathOf(definition: ResourceDefinition, name?: string): string {
  const namespace = definition.namespaced ? 'namespaces/default/' : '';
  return `/apis/${apiVersionOf(definition)}/${namespace}${definition.resource}${name === undefined ? '' : `/${name}`}`;
}

function objectOf(definition: ResourceDefinition, name: string, parts: object): KubeObject {
  const namespace = definition.namespaced ? { namespace: 'default' } : {};
  return { apiVersion: apiVersionOf(definition), kind: definition.kind, metadata: { name, ...namespace }, ...parts };
}

function create(definition: ResourceDefinition, name: string, parts: object): Promise<KubeObject> {
  return clusters.parent.api.request<KubeObject>('POST', pathOf(definition), objectOf(definition, name, parts));
}

/** `status` is left out by the API server on create, so it is written on its own. */
async function writeStatus(definition: ResourceDefinition, name: string, status: object): Promise<KubeObject> {
  const path = `${pathOf(definition, name)}/status`;
  return clusters.parent.api.request<KubeObject>('PATCH', path, { status }, 'application/merge-patch+json');
}

describe('CRDs', () => {
  it.each(crds().map(({ metadata }) => metadata.name))('%s is established, and its schema is structural', async (name) => {
    // beforeAll has waited for Established.
    const crd = await clusters.parent.api.request<CustomResourceDefinition & { status: { conditions: Condition[] } }>(
      'GET',
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`,
    );
    const holding = crd.status.conditions.filter(({ status }) => status === 'True').map(({ type }) => type);
    expect(holding.sort()).toEqual(['Established', 'NamesAccepted']);
  });

  it('come back as they were sent: the API server pruned nothing from them', async () => {
    for (const sent of crds()) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${sent.metadata.name}`;
      const stored = await clusters.parent.api.request<CustomResourceDefinition & { spec: unknown }>('GET', path);
      expect(stored.spec).toMatchObject(JSON.parse(JSON.stringify(sent.spec)) as object);
    }
  });
});

interface Condition {
  type: string;
  status: string;
}

describe('good objects', () => {
  const good: [ResourceKey, string, object][] = [
    ['clusterRegistrationRequests', 'a name of 60 characters', { spec: { clusterId: id, clusterName: 'a'.repeat(60) } }],
    ['clusterRegistrationRequests', 'a name with dots', { spec: { clusterId: id, clusterName: 'edge.berlin-1' } }],
    ['managedClusters', 'taints', { spec: { clusterId: id, syncMode: 'Dual', taints: [{ key: 'a', effect: 'NoSchedule' }] } }],
    [
      'manifests',
      'whatever the template holds',
      { template: { ...feed, metadata: { name: 'x', odd: { deep: [1] } }, data: { a: [{}] } } },
    ],
    ['subscriptions', 'defaults', { spec: subscription }],
    ['subscriptions', 'no subscribers and no feeds', { spec: { subscribers: [], feeds: [] } }],
    ['subscriptions', 'a null where a field is unset', { spec: { ...subscription, clusterTolerations: null } }],
    ['subscriptions', 'PreemptNever', { spec: { ...subscription, preemptionPolicy: 'PreemptNever' } }],
    ['subscriptions', 'Never, as Go clients spell it', { spec: { ...subscription, preemptionPolicy: 'Never' } }],
    [
      'subscriptions',
      'dynamic dividing',
      {
        spec: {
          ...subscription,
          schedulingStrategy: 'Dividing',
          dividingScheduling: { type: 'Dynamic', dynamicDividing: { minClusters: 1, maxClusters: 1 } },
        },
      },
    ],
    [
      'subscriptions',
      'one name in several namespaces and kinds',
      {
        spec: {
          ...subscription,
          feeds: [
            feed,
            { ...feed, namespace: 'other' },
            { ...feed, kind: 'Secret' },
            { apiVersion: 'v1', kind: 'Namespace', name: 'shop' },
          ],
        },
      },
    ],
    ['bases', 'feeds', { spec: { feeds: [feed] } }],
    ['descriptions', 'raw objects', { spec: { deployer: 'Generic', raw: ['e30='], removed: [feed] } }],
    ['localizations', 'priority 0', { spec: { feed, priority: 0 } }],
    [
      'localizations',
      'a field patch',
      { spec: { feed, overrides: [{ type: 'FieldJSONPatch', value: '[]', fieldPath: '/data/a' }] } },
    ],
    ['globalizations', 'defaults', { spec: { feed } }],
    ['helmCharts', 'defaults', { spec: chart }],
    ['helmCharts', 'an OCI registry', { spec: { ...chart, repo: 'oci://registry.example.com:5000/charts' } }],
    ['helmReleases', 'defaults', { spec: chart }],
    [
      'feedInventories',
      'requirements',
      {
        spec: {
          feeds: [
            {
              ...feed,
              desiredReplicas: 3,
              replicaJsonPath: '/spec/replicas',
              replicaRequirements: { resources: { requests: { cpu: '100m', memory: '1Gi', 'example.com/gpu': 1 } } },
            },
          ],
        },
      },
    ],
    ['serviceExports', 'nothing but a name', {}],
    ['serviceImports', 'a port', { spec: { type: 'ClusterSetIP', ports: [{ port: 80 }] } }],
  ];

  it.each(good)('%s with %s: stored with the defaults that the schema gives', async (key, about, parts) => {
    const definition: ResourceDefinition = resources[key];
    const name = about.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    const stored = await create(definition, name, parts);
    const parsed = parseKind(definition, objectOf(definition, name, parts));
    expect({ spec: stored.spec, template: stored.template }).toEqual({ spec: parsed.spec, template: parsed.template });
    // What the API server made of it passes, too, and nothing is lost on the way.
    expect(parseKind(definition, stored)).toEqual(stored);
  });

  it('keep the status of each writer: conditions merge by type', async () => {
    await create(resources.subscriptions, 'conditions', { spec: subscription });
    const path = `${pathOf(resources.subscriptions, 'conditions')}/status`;
    const condition = { status: 'True', reason: 'Done', message: '', lastTransitionTime: '2026-01-02T03:04:05Z' };
    for (const [fieldManager, type] of [
      ['clusternet-scheduler', 'Scheduled'],
      ['clusternet-hub', 'Applied'],
    ]) {
      const status = { conditions: [{ type, ...condition }] };
      const body = objectOf(resources.subscriptions, 'conditions', { status });
      await clusters.parent.api.request('PATCH', `${path}?fieldManager=${fieldManager}`, body, 'application/apply-patch+yaml');
    }
    const stored = parseKind(resources.subscriptions, await clusters.parent.api.request('GET', path));
    expect(stored.status?.conditions?.map(({ type }) => type)).toEqual(['Scheduled', 'Applied']);
  });

  it('accept in status what the components write', async () => {
    await create(resources.managedClusters, 'status', { spec: { clusterId: id, syncMode: 'Pull' } });
    const status = { kubeQPS: 50.5, kubeBurst: 100, capacity: { cpu: '4', memory: '16Gi', pods: 110 }, healthz: true };
    expect(await writeStatus(resources.managedClusters, 'status', status)).toMatchObject({ status });

    await create(resources.subscriptions, 'status', { spec: subscription });
    const bound = {
      bindingClusters: ['clusternet-h8nch/child'],
      replicas: { 'apps/v1/Deployment/t1/d': [7], 'v1/Namespace/t1': [] },
      specHash: 4294967295,
      aggregatedStatuses: [
        { ...feed, feedStatusDetails: [{ clusterId: id, clusterName: 'a'.repeat(60), available: true }], feedStatusSummary: {} },
      ],
    };
    expect(await writeStatus(resources.subscriptions, 'status', bound)).toMatchObject({ status: bound });
  });
});

describe('bad objects', () => {
  const bad: { key: ResourceKey; about: string; parts: object; field: string; says: RegExp; rule?: RegExp }[] = [
    {
      key: 'clusterRegistrationRequests',
      about: 'a name that only contains a good one',
      parts: { spec: { clusterId: id, clusterName: 'A_b!' } },
      field: 'spec.clusterName',
      says: /should match|must be lower-case/,
    },
    {
      key: 'clusterRegistrationRequests',
      about: 'a name of 61 characters',
      parts: { spec: { clusterId: id, clusterName: 'a'.repeat(61) } },
      field: 'spec.clusterName',
      says: /60/,
    },
    {
      key: 'clusterRegistrationRequests',
      about: 'an id with more around it',
      parts: { spec: { clusterId: `x${id}x` } },
      field: 'spec.clusterId',
      says: /should match|UUID/,
    },
    {
      key: 'clusterRegistrationRequests',
      about: 'a namespace that only contains a good one',
      parts: { spec: { clusterId: id, clusterNamespace: 'team_a' } },
      field: 'spec.clusterNamespace',
      says: /should match|must be lower-case/,
    },
    {
      key: 'managedClusters',
      about: 'no sync mode',
      parts: { spec: { clusterId: id } },
      field: 'spec.syncMode',
      says: /required/i,
    },
    {
      key: 'subscriptions',
      about: 'an unknown strategy',
      parts: { spec: { ...subscription, schedulingStrategy: 'Both' } },
      field: 'spec.schedulingStrategy',
      says: /"Replication", "Dividing"/,
    },
    { key: 'subscriptions', about: 'no spec', parts: {}, field: 'spec', says: /required/i },
    {
      key: 'subscriptions',
      about: 'a feed twice',
      parts: { spec: { ...subscription, feeds: [feed, feed] } },
      field: 'spec.feeds[1]',
      says: /Duplicate value|must not repeat feeds\[0\]/,
    },
    {
      key: 'subscriptions',
      about: 'a feed without a name',
      parts: { spec: { ...subscription, feeds: [{ ...feed, name: '' }] } },
      field: 'spec.feeds[0].name',
      says: /at least 1 char/,
    },
    {
      key: 'subscriptions',
      about: 'dividing without saying how',
      parts: { spec: { ...subscription, schedulingStrategy: 'Dividing' } },
      field: 'spec.dividingScheduling',
      says: /dividingScheduling is required when schedulingStrategy is Dividing/,
    },
    {
      key: 'subscriptions',
      about: 'dynamic dividing without saying how',
      parts: { spec: { ...subscription, schedulingStrategy: 'Dividing', dividingScheduling: { type: 'Dynamic' } } },
      field: 'spec.dividingScheduling.dynamicDividing',
      says: /dynamicDividing is required when type is Dynamic/,
    },
    {
      key: 'subscriptions',
      about: 'fewest above most clusters',
      parts: { spec: { ...subscription, dividingScheduling: { dynamicDividing: { minClusters: 3, maxClusters: 2 } } } },
      field: 'spec.dividingScheduling.dynamicDividing.minClusters',
      says: /minClusters must not exceed maxClusters/,
    },
    {
      key: 'subscriptions',
      about: 'subgroups without a strategy',
      parts: { spec: { ...subscription, schedulingBySubGroup: true } },
      field: 'spec.subscribers',
      says: /subGroupStrategy is required in every subscriber when schedulingBySubGroup is true/,
    },
    {
      key: 'subscriptions',
      about: 'a negative weight',
      parts: { spec: { ...subscription, subscribers: [{ clusterAffinity: {}, weight: -1 }] } },
      field: 'spec.subscribers[0].weight',
      says: /at least 0|greater than or equal to 0/,
    },
    {
      key: 'subscriptions',
      about: 'a selector with an unknown operator',
      parts: {
        spec: { ...subscription, subscribers: [{ clusterAffinity: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }] },
      },
      field: 'spec.subscribers[0].clusterAffinity.matchExpressions[0].operator',
      says: /"NotIn"/,
    },
    {
      key: 'subscriptions',
      about: 'a selector that names no values',
      parts: {
        spec: { ...subscription, subscribers: [{ clusterAffinity: { matchExpressions: [{ key: 'a', operator: 'In' }] } }] },
      },
      field: 'spec.subscribers[0].clusterAffinity.matchExpressions[0].values',
      says: /values are required when operator is In or NotIn/,
    },
    {
      key: 'localizations',
      about: 'a priority above 1000',
      parts: { spec: { feed, priority: 1001 } },
      field: 'spec.priority',
      says: /1000/,
    },
    { key: 'localizations', about: 'no feed', parts: { spec: { overrides: [] } }, field: 'spec.feed', says: /required/i },
    {
      key: 'globalizations',
      about: 'a field patch without a path',
      parts: { spec: { feed, overrides: [{ type: 'FieldMergePatch', value: '{}' }] } },
      field: 'spec.overrides[0].fieldPath',
      says: /fieldPath is required/,
    },
    {
      key: 'helmCharts',
      about: 'a repository of unknown scheme',
      parts: { spec: { ...chart, repo: 'ftp://charts' } },
      field: 'spec.repo',
      says: /should match|http, https or oci/,
    },
    {
      key: 'feedInventories',
      about: 'replicas without a path',
      parts: { spec: { feeds: [{ ...feed, desiredReplicas: 1 }] } },
      field: 'spec.feeds[0].replicaJsonPath',
      says: /replicaJsonPath is required with desiredReplicas/,
    },
    {
      key: 'serviceImports',
      about: 'two addresses',
      parts: { spec: { type: 'Headless', ports: [], ips: ['10.0.0.1', '10.0.0.2'] } },
      field: 'spec.ips',
      says: /at most 1 item/,
    },
  ];

  it.each(bad)('$key with $about: refused by the API server and by zod, both naming the field', async (example) => {
    const definition: ResourceDefinition = resources[example.key];
    const refused = await create(definition, 'bad', example.parts).then(
      () => 'accepted',
      (error: unknown) => String(error),
    );
    expect(refused).toContain(`${example.field}: `);
    expect(refused).toMatch(example.says);

    const parse = () => parseKind(definition, objectOf(definition, 'bad', example.parts));
    expect(parse).toThrow(`${example.field}: `);
    expect(parse).toThrow(example.says);
  });

  it('the Base that a cluster is initialised with can be set once, neither changed nor taken away', async () => {
    await create(resources.managedClusters, 'init', { spec: { clusterId: id, syncMode: 'Pull' } });
    const patch = (clusterInitBaseName: string | null) =>
      clusters.parent.api.request(
        'PATCH',
        pathOf(resources.managedClusters, 'init'),
        { spec: { clusterInitBaseName } },
        'application/merge-patch+json',
      );
    await patch('base-a');
    await expect(patch('base-b')).rejects.toThrow('clusterInitBaseName is immutable');
    await expect(patch(null)).rejects.toThrow('clusterInitBaseName is required once set');
  });
});

describe('kubectl', () => {
  const columns: [string, string][] = [
    ['clsrr', 'NAME CLUSTER-ID STATUS AGE'],
    ['mcls', 'NAME CLUSTER-ID SYNC-MODE KUBERNETES STATUS CORDON AGE'],
    ['manifests', 'NAME AGE'],
    ['subs', 'NAME AGE'],
    ['sub', 'NAME AGE'],
    ['bases', 'NAME AGE'],
    ['desc', 'NAME DEPLOYER STATUS AGE'],
    ['loc', 'NAME FEED NAME-OF-FEED APPLIED REASON AGE'],
    ['local', 'NAME FEED NAME-OF-FEED APPLIED REASON AGE'],
    ['glob', 'NAME FEED NAME-OF-FEED APPLIED REASON AGE'],
    ['global', 'NAME FEED NAME-OF-FEED APPLIED REASON AGE'],
    ['chart', 'NAME CHART VERSION REPO STATUS AGE'],
    ['charts', 'NAME CHART VERSION REPO STATUS AGE'],
    ['hr', 'NAME CHART VERSION REPO STATUS AGE'],
    ['finv', 'NAME AGE'],
    ['svcex', 'NAME AGE'],
    ['svcim', 'NAME TYPE IP AGE'],
  ];

  it.each(columns)('get %s shows %s', async (shortName, expected) => {
    const [header = ''] = (await kubectl('get', shortName)).split('\n');
    expect(
      header
        .trim()
        .replaceAll(/(?<=\S) (?=\S)/g, '-')
        .split(/\s+/)
        .join(' '),
    ).toBe(expected);
  });

  it('get mcls -o wide adds the type of the cluster and the version of the agent', async () => {
    const [header = ''] = (await kubectl('get', 'mcls', '-o', 'wide')).split('\n');
    expect(header.split(/\s{2,}/).map((title) => title.trim())).toEqual([
      'NAME',
      'CLUSTER ID',
      'CLUSTER TYPE',
      'SYNC MODE',
      'KUBERNETES',
      'STATUS',
      'CORDON',
      'AGE',
      'AGENT VERSION',
    ]);
  });

  it('lists every kind of the category "clusternet"', async () => {
    const listed = (await kubectl('api-resources', '--categories=clusternet', '-o', 'name')).trim().split('\n').sort();
    const expected = crds().filter(({ spec }) => spec.names.categories?.includes('clusternet'));
    expect(listed).toEqual(expected.map(({ metadata }) => metadata.name).sort());
  });

  it.each(['subscription.spec.feeds', 'managedcluster.status.conditions', 'helmchart.spec.chartPullSecret'])(
    'explain %s tells what the fields mean',
    async (path) => {
      expect(await kubectl('explain', path)).not.toContain('<empty>');
    },
  );
});
