// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { annotations, type Subscription } from '@clusternet/api-types';
import { type ClusterSet, installChart, startClusters, startWorkload, until, type Workload } from '@clusternet/localup';
import { chartFolder, namespace } from './testing/charts.ts';
import { logDir } from './testing/logDir.ts';

const subscriptionsPath = '/apis/apps.clusternet.io/v1alpha1/namespaces/default/subscriptions';
const feed = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'settings' };

let clusters: ClusterSet;
let scheduler: Workload;

beforeAll(async () => {
  clusters = await startClusters({ parent: true, children: 0, logDir: logDir() });
  for (const component of ['hub', 'scheduler'] as const) {
    const release = `clusternet-${component}`;
    await installChart({
      cluster: clusters.parent,
      chartDir: chartFolder(component),
      release,
      namespace,
      values: { replicaCount: 1 },
    });
  }
  const entrypoint = fileURLToPath(new URL('../../packages/scheduler/dist/main.js', import.meta.url));
  scheduler = await startWorkload({
    cluster: clusters.parent,
    namespace,
    deployment: 'clusternet-scheduler',
    entrypoints: { 'clusternet/clusternet-scheduler': entrypoint },
  });
  await scheduler.waitReady();
  for (const name of ['a', 'b']) await addCluster(name);
}, 1_200_000);

afterAll(async () => {
  await scheduler?.stop();
  await clusters?.close();
});

async function addCluster(name: string): Promise<void> {
  const { api } = clusters.parent;
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: `ns-${name}` } });
  await api.request('POST', `/apis/clusters.clusternet.io/v1beta1/namespaces/ns-${name}/managedclusters`, {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { name, labels: { region: 'eu' } },
    spec: { clusterId: `05326c73-b450-49d8-a5e6-e77adac3d34${name}`, syncMode: 'Pull' },
  });
}

async function patch(path: string, body: object): Promise<void> {
  await clusters.parent.api.request('PATCH', path, body, 'application/merge-patch+json');
}

function settled(
  name: string,
  what: string,
  holds: (status: NonNullable<Subscription['status']>) => boolean,
): Promise<Subscription> {
  return until({
    what: `Subscription ${name}: ${what}`,
    timeoutMs: 120_000,
    question: async () => {
      const subscription = await clusters.parent.api.request<Subscription & { metadata: { name: string } }>(
        'GET',
        `${subscriptionsPath}/${name}`,
      );
      return subscription.status !== undefined && holds(subscription.status) ? subscription : undefined;
    },
  });
}

function scheduled({ conditions }: NonNullable<Subscription['status']>) {
  return conditions?.find(({ type }) => type === 'Scheduled');
}

async function create(name: string, region: string): Promise<void> {
  await clusters.parent.api.request('POST', subscriptionsPath, {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name },
    spec: { subscribers: [{ clusterAffinity: { matchLabels: { region } } }], feeds: [feed] },
  });
}

describe('the scheduler, with the rights of its chart', () => {
  it('binds what is selected, holds what would remove everything, and lets an approved plan through', async () => {
    await create('app', 'eu');
    const bound = await settled('app', 'bound', (status) => status.bindingClusters?.length === 2);
    expect(bound.status).toMatchObject({ bindingClusters: ['ns-a/a', 'ns-b/b'], desiredReleases: 2 });
    expect(scheduled(bound.status ?? {})).toMatchObject({ status: 'True', reason: 'Scheduled' });

    await patch(`${subscriptionsPath}/app`, { spec: { subscribers: [{ clusterAffinity: { matchLabels: { region: 'ue' } } }] } });
    const held = await settled('app', 'held', (status) => scheduled(status)?.reason === 'MassRemovalHeld');
    expect(held.status?.bindingClusters).toEqual(['ns-a/a', 'ns-b/b']);

    const plan = /approve-plan=(\w+)/.exec(scheduled(held.status ?? {})?.message ?? '')?.[1];
    await patch(`${subscriptionsPath}/app`, { metadata: { annotations: { [annotations.approvePlan]: plan } } });
    await settled('app', 'let go', (status) => status.bindingClusters?.length === 0);
  });

  it('says in an event why nothing is available', async () => {
    await create('nowhere', 'us');
    const { status } = await settled('nowhere', 'decided', (decided) => scheduled(decided)?.status === 'False');
    expect(scheduled(status ?? {})?.message).toBe('0/2 clusters are available: 2 did not match the cluster affinity.');
    await until({
      what: 'a FailedScheduling event',
      timeoutMs: 120_000,
      question: async () => {
        const { items } = await clusters.parent.api.request<{ items: { reason: string; involvedObject: { name: string } }[] }>(
          'GET',
          '/api/v1/namespaces/default/events',
        );
        return items.find(({ reason, involvedObject }) => reason === 'FailedScheduling' && involvedObject.name === 'nowhere');
      },
    });
  });

  it('keeps what runs in a cluster that becomes unschedulable, and brings nothing new there', async () => {
    await create('before', 'eu');
    await settled('before', 'bound', (status) => status.bindingClusters?.length === 2);
    const taints = [{ key: 'clusters.clusternet.io/unschedulable', effect: 'NoSchedule', value: 'ClusterStatusUnknown' }];
    await patch('/apis/clusters.clusternet.io/v1beta1/namespaces/ns-b/managedclusters/b', { spec: { taints } });
    await create('after', 'eu');
    await settled('after', 'bound to the other', (status) => status.bindingClusters?.join() === 'ns-a/a');
    const { status } = await settled('before', 'told of', (told) => scheduled(told)?.status === 'True');
    expect(status?.bindingClusters).toEqual(['ns-a/a', 'ns-b/b']);
  });
});
