// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ClusterRegistrationRequest,
  type Condition,
  type KubeObject,
  MAX_CLUSTER_NAME,
  resources,
} from '@clusternet/api-types';
import { ApiError, core } from '@clusternet/client';
import { requestNameOf } from '../approver/identity.ts';
import { type ControllerContext } from '../controller.ts';
import { fakeContext, type SeenEvent } from '../testing/context.ts';
import { type FakeCluster } from '../testing/fakeCluster.ts';
import { type AgentInstallation, InstallError } from './agentInstaller.ts';
import { type CapiCluster, clusterDefinition, originLabels, registeredNameOf } from './cluster.ts';
import { ClusterDiscovery } from './clusterDiscovery.ts';
import { nextConditions } from './report.ts';

const clusters = clusterDefinition('v1beta2');
const uidOf = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
const signal = new AbortController().signal;

let context: ControllerContext;
let cluster: FakeCluster;
let events: SeenEvent[];
let clock: { now: number };
let version: string | undefined;
let installed: AgentInstallation[];
let refusal: Error | undefined;
let discovery: ClusterDiscovery;

beforeEach(() => {
  ({ context, cluster, events, clock } = fakeContext());
  version = 'v1beta2';
  installed = [];
  refusal = undefined;
  discovery = new ClusterDiscovery(context, {
    management: cluster,
    recorder: context.recorder,
    source: {
      get version() {
        return version;
      },
      list: () => cluster.list<CapiCluster>(clusters),
    },
    namespaces: ['capi'],
    installer: {
      install: async (o) => {
        installed.push(o);
        if (refusal) throw refusal;
        await o.token?.();
      },
    },
    token: async () => 'abcdef.0123456789abcdef',
    tunnels: true,
    agentValues: { replicaCount: 1, clusterLabels: { stage: 'prod' }, featureGates: { Predictor: false } },
  });
});
afterEach(() => discovery.close());

function capi(name: string, n: number, phase = 'Provisioned'): CapiCluster {
  return cluster.put<CapiCluster>(clusters, {
    apiVersion: 'cluster.x-k8s.io/v1beta2',
    kind: 'Cluster',
    metadata: { name, namespace: 'capi', uid: uidOf(n), generation: 1 },
    status: { phase },
  });
}

function kubeconfig(name: string, server = 'https://10.0.0.1:6443'): void {
  const config = {
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  secret(name, JSON.stringify(config));
}

function secret(name: string, text: string): void {
  cluster.put<KubeObject>(core.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}-kubeconfig`, namespace: 'capi' },
    data: { value: Buffer.from(text).toString('base64') },
  });
}

function registered(name: string, n: number, status: object = {}): void {
  cluster.put<ClusterRegistrationRequest>(resources.clusterRegistrationRequests, {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ClusterRegistrationRequest',
    metadata: { name: requestNameOf(uidOf(n)) },
    spec: {
      clusterId: uidOf(n),
      clusterName: name,
      clusterLabels: { [originLabels.name]: name, [originLabels.namespace]: 'capi' },
    },
    status: { result: 'Approved', managedClusterName: name, dedicatedNamespace: `clusternet-${name}`, ...status },
  });
}

const look = (name: string) => discovery.reconcile(`capi/${name}`, signal);
const conditionOf = (name: string): Condition | undefined =>
  cluster.get<CapiCluster>(clusters, `capi/${name}`)?.status?.conditions?.find(({ type }) => type === 'ClusternetRegistered');
const isRegistered = (n: number) => cluster.get(resources.clusterRegistrationRequests, requestNameOf(uidOf(n))) !== undefined;

describe('a Cluster of Cluster API', () => {
  it('gets an agent that registers under its id, and is told of at each step', async () => {
    capi('eu', 1, 'Provisioning');
    expect(await look('eu')).toBeUndefined();
    expect(conditionOf('eu')).toMatchObject({ status: 'False', reason: 'WaitingForInfrastructure' });
    capi('eu', 1);
    await look('eu');
    expect(conditionOf('eu')).toMatchObject({ reason: 'KubeconfigMissing', message: expect.stringContaining('eu-kubeconfig') });
    expect(installed).toEqual([]);
    kubeconfig('eu');
    await look('eu');
    expect(conditionOf('eu')).toMatchObject({ status: 'False', reason: 'WaitingForAgent' });
    expect(installed).toMatchObject([
      {
        access: { server: 'https://10.0.0.1:6443', token: 't' },
        clusterId: uidOf(1),
        token: expect.any(Function),
        values: {
          clusterName: 'eu',
          clusterLabels: { [originLabels.name]: 'eu', [originLabels.namespace]: 'capi', stage: 'prod' },
          syncMode: 'Dual',
          featureGates: { SocketConnection: true, Predictor: false },
          replicaCount: 1,
        },
      },
    ]);
    registered('eu', 1);
    await look('eu');
    expect(conditionOf('eu')).toMatchObject({
      status: 'True',
      reason: 'Registered',
      message: 'registered as ManagedCluster clusternet-eu/eu',
      observedGeneration: 1,
    });
    expect(events.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'Normal WaitingForInfrastructure',
      'Warning KubeconfigMissing',
      'Normal WaitingForAgent',
      'Normal Registered',
    ]);
  });

  it('is looked at again and again without anything being written or installed twice', async () => {
    capi('eu', 1);
    kubeconfig('eu');
    registered('eu', 1);
    await look('eu');
    const writes = cluster.writes.length;
    for (let i = 0; i < 5; i++) await look('eu');
    expect(cluster.writes).toHaveLength(writes);
    expect(installed).toHaveLength(1);
    clock.now += 11 * 60_000;
    await look('eu');
    expect(installed).toHaveLength(2);
    // It is registered: no token is made for it any more.
    expect(installed.map(({ token }) => token)).toEqual([undefined, undefined]);
  });

  it('gets a new token while it has not registered and the old one grows old', async () => {
    capi('eu', 1);
    kubeconfig('eu');
    await look('eu');
    await look('eu');
    expect(installed).toHaveLength(1);
    clock.now += 31 * 60_000;
    await look('eu');
    expect(installed.map(({ token }) => token !== undefined)).toEqual([true, true]);
  });

  it('is reached by the new credential when the Secret is rotated, and stays registered while it is bad or gone', async () => {
    capi('eu', 1);
    kubeconfig('eu');
    registered('eu', 1);
    await look('eu');
    kubeconfig('eu', 'https://10.0.0.2:6443');
    await look('eu');
    expect(installed.map(({ access }) => access.server)).toEqual(['https://10.0.0.1:6443', 'https://10.0.0.2:6443']);
    secret('eu', 'not: [');
    await look('eu');
    expect(conditionOf('eu')).toMatchObject({
      status: 'True',
      reason: 'KubeconfigInvalid',
      message: expect.stringContaining('YAML'),
    });
    cluster.remove(core.secrets, 'capi/eu-kubeconfig');
    expect(await look('eu')).toEqual({ requeueAfterMs: 15_000 });
    expect(conditionOf('eu')).toMatchObject({ status: 'True', reason: 'KubeconfigMissing' });
    expect(isRegistered(1)).toBe(true);
    kubeconfig('eu');
    await look('eu');
    expect(conditionOf('eu')).toMatchObject({ status: 'True', reason: 'Registered' });
  });

  it('tells why the agent could not be installed, or is not approved', async () => {
    capi('eu', 1);
    kubeconfig('eu');
    refusal = new InstallError('ClusterUnreachable', 'the cluster cannot be reached at https://10.0.0.1:6443: refused');
    expect(await look('eu')).toEqual({ requeueAfterMs: 15_000 });
    expect(conditionOf('eu')).toMatchObject({ status: 'False', reason: 'ClusterUnreachable' });
    refusal = undefined;
    registered('eu', 1, { result: undefined, managedClusterName: undefined, errorMessage: 'pending: waits for approval' });
    await look('eu');
    expect(conditionOf('eu')).toMatchObject({ reason: 'NotApproved', message: expect.stringContaining('waits for approval') });
  });

  it('is deregistered when it is deleted, but not when it is moved to another management cluster', async () => {
    for (const [name, n] of [
      ['eu', 1],
      ['us', 2],
    ] as const) {
      const made = capi(name, n);
      registered(name, n);
      const annotations: Record<string, string> = name === 'us' ? { 'clusterctl.cluster.x-k8s.io/delete-for-move': '' } : {};
      const deletionTimestamp = '2026-01-01T00:00:00Z';
      cluster.put(clusters, { ...made, metadata: { ...made.metadata, annotations, deletionTimestamp, finalizers: ['f'] } });
      await look(name);
    }
    expect([1, 2].map(isRegistered)).toEqual([false, true]);
    cluster.remove(clusters, 'capi/us');
    await look('us');
    expect(isRegistered(2)).toBe(true);
  });
});

describe('Clusters that went while nobody looked', () => {
  it('are deregistered, those of other namespaces and origins are not', async () => {
    for (let n = 1; n < 4; n++) {
      capi(`c${n}`, n);
      registered(`c${n}`, n);
    }
    registered('by-hand', 8);
    const request = cluster.get<ClusterRegistrationRequest>(resources.clusterRegistrationRequests, requestNameOf(uidOf(8)));
    if (request) cluster.put(resources.clusterRegistrationRequests, { ...request, spec: { clusterId: uidOf(8) } });
    cluster.remove(clusters, 'capi/c2');
    await look('c2');
    expect([1, 2, 3, 8].map(isRegistered)).toEqual([true, false, true, true]);
  });

  it('stay registered when most of them vanish at once, or Cluster API itself', async () => {
    for (let n = 1; n < 5; n++) {
      capi(`c${n}`, n);
      registered(`c${n}`, n);
    }
    for (let n = 1; n < 4; n++) cluster.remove(clusters, `capi/c${n}`);
    await discovery.sweep();
    await discovery.sweep();
    expect([1, 2, 3, 4].map(isRegistered)).toEqual([true, true, true, true]);
    expect(events.map(({ reason }) => reason)).toEqual(['ClusterVanished', 'ClusterVanished', 'ClusterVanished']);
    version = undefined;
    cluster.remove(clusters, 'capi/c4');
    await discovery.sweep();
    expect(await look('c4')).toEqual({ requeueAfterMs: 15_000 });
    expect(isRegistered(4)).toBe(true);
  });

  it('are what the API server says, not what was heard of', async () => {
    capi('c1', 1);
    registered('c1', 1);
    const all = cluster.list<CapiCluster>(clusters);
    const late = new ClusterDiscovery(context, {
      management: { resource: cluster.resource.bind(cluster) },
      recorder: context.recorder,
      source: { version: 'v1beta2', list: () => all.slice(1) },
      namespaces: [],
      installer: { install: () => Promise.reject(new ApiError('no', { status: 500 })) },
      token: async () => '',
      tunnels: false,
      agentValues: {},
    });
    await late.sweep();
    await late.close();
    expect(isRegistered(1)).toBe(true);
  });
});

describe('names and conditions', () => {
  it('keeps a name that is free and short enough, and makes another one of it where it is not', () => {
    const made = (name: string, n: number): CapiCluster => ({
      apiVersion: 'cluster.x-k8s.io/v1beta1',
      kind: 'Cluster',
      metadata: { name, namespace: `ns${n}`, uid: uidOf(n), creationTimestamp: `2026-01-0${n}T00:00:00Z` },
    });
    const [first, second] = [made('prod', 1), made('prod', 2)];
    expect(registeredNameOf(first, [first, second])).toBe('prod');
    expect(registeredNameOf(second, [first, second])).toMatch(/^prod-[a-z0-9]+$/);
    const long = registeredNameOf(made('a'.repeat(63), 3), []);
    expect(long).toHaveLength(MAX_CLUSTER_NAME);
    expect(long).toMatch(/^a+-[a-z0-9]+$/);
  });

  it('gives v1beta1 the severity that it wants, and leaves the conditions of others alone', () => {
    const foreign = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' } as Condition;
    const object: CapiCluster = { ...capi('eu', 1), status: { phase: 'Provisioned', conditions: [foreign] } };
    const now = new Date('2026-01-02T00:00:00Z');
    const bad = { registered: false, reason: 'KubeconfigMissing', message: 'no' };
    expect(nextConditions(object, bad, { version: 'v1beta1', now })).toEqual([
      foreign,
      {
        type: 'ClusternetRegistered',
        status: 'False',
        severity: 'Warning',
        reason: 'KubeconfigMissing',
        message: 'no',
        lastTransitionTime: '2026-01-02T00:00:00Z',
      },
    ]);
    const [, good] = nextConditions(object, { ...bad, registered: true }, { version: 'v1beta2', now }) ?? [];
    expect(good).not.toHaveProperty('severity');
  });
});
