// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { conditionTypes, type ManagedCluster, resources } from '@clusternet/api-types';
import { core } from '@clusternet/client';
import { fakeContext } from '../testing/context.ts';
import { idOf, putCluster } from '../testing/placed.ts';
import { requestOf } from '../testing/registration.ts';
import { type DeployerFactory, PushController } from './pushController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: PushController;
let started: Parameters<DeployerFactory>[0][];
let stopped: number;

beforeEach(() => {
  surroundings = fakeContext();
  started = [];
  stopped = 0;
  controller = new PushController(surroundings.context, (o) => ({
    start: () => void started.push(o),
    close: async () => void stopped++,
  }));
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function putSecret(values: Record<string, string> = {}): void {
  const data = { 'apiserver-advertise-url': 'https://child:6443', token: 'one', 'ca.crt': 'CA', ...values };
  surroundings.cluster.put(core.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'child-cluster-deployer', namespace: 'ns1' },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  });
}

function condition(): unknown {
  return surroundings.cluster
    .get<ManagedCluster>(resources.managedClusters, 'ns1/child1')
    ?.status?.conditions?.find(({ type }) => type === conditionTypes.parentDeploys);
}

describe('PushController', () => {
  it.each([
    ['Push', true, 1],
    ['Push', false, 0],
    ['Pull', true, 0],
    ['Pull', undefined, 0],
    ['Dual', true, 1],
    ['Dual', false, 0],
    ['Push', undefined, 0],
  ] as const)('mode %s with appPusher %s starts %d deployers', async (syncMode, appPusher, count) => {
    putCluster(surroundings.cluster, 1, { syncMode }, appPusher === undefined ? undefined : { appPusher });
    putSecret();
    await controller.reconcile('ns1');
    expect(started).toHaveLength(count);
  });

  it('says so when nobody deploys', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: false });
    await controller.reconcile('ns1');
    expect(condition()).toMatchObject({ status: 'False', reason: 'AppPusherDisabled' });
    const writes = surroundings.cluster.writes.length;
    await controller.reconcile('ns1');
    expect(surroundings.cluster.writes.length).toBe(writes);
  });

  it('goes through the tunnel where the agent keeps one, to the API server as the agent knows it', async () => {
    const status = {
      appPusher: true,
      useSocket: true,
      apiserverURL: 'https://10.0.0.1:443',
      apiserverTLSServerName: 'kubernetes',
    };
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, status);
    putSecret();
    await controller.reconcile('ns1');
    expect(started[0]?.access).toMatchObject({
      server: 'https://10.0.0.1:443',
      tunnel: { clusterId: idOf(1), tlsServerName: 'kubernetes' },
    });
  });

  it('starts as soon as the Secret is there', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true, kubeQPS: 20, kubeBurst: 40 });
    expect(await controller.reconcile('ns1')).toEqual({ requeueAfterMs: 60_000 });
    expect(condition()).toMatchObject({ status: 'False', reason: 'WaitingForCredentials' });
    expect(surroundings.events).toEqual([]);
    putSecret();
    await controller.reconcile('ns1');
    expect(started[0]?.access).toMatchObject({ server: 'https://child:6443', caPem: 'CA', qps: 20, burst: 40 });
    expect(condition()).toMatchObject({ status: 'True' });
  });

  it('raises the alarm when the Secret does not come', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true });
    await controller.reconcile('ns1');
    surroundings.clock.now += 59_000;
    expect(await controller.reconcile('ns1')).toEqual({ requeueAfterMs: 1_000 });
    surroundings.clock.now += 1_000;
    await controller.reconcile('ns1');
    expect(condition()).toMatchObject({ status: 'False', reason: 'CredentialsMissing' });
    expect(surroundings.events).toMatchObject([{ type: 'Warning', reason: 'CredentialsMissing' }]);
  });

  it('says at once that a Secret is of no use', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true });
    putSecret({ token: '' });
    await controller.reconcile('ns1');
    expect(condition()).toMatchObject({ status: 'False', reason: 'CredentialsUnusable' });
    expect(surroundings.events).toMatchObject([{ type: 'Warning', reason: 'CredentialsUnusable' }]);
  });

  it('takes a new token into the running deployer, and makes a new one for a new address or CA', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true });
    putSecret();
    await controller.reconcile('ns1');
    putSecret({ token: 'two' });
    await controller.reconcile('ns1');
    expect(started).toHaveLength(1);
    expect(started[0]?.token()).toBe('two');
    putSecret({ 'ca.crt': 'another CA' });
    await controller.reconcile('ns1');
    expect([started.length, stopped]).toEqual([2, 1]);
  });

  it.each(['http://child:6443', 'https://user:pw@child', 'file:///etc/passwd', 'child:6443'])(
    'does not follow %s',
    async (url) => {
      putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true });
      putSecret({ 'apiserver-advertise-url': url });
      await controller.reconcile('ns1');
      expect(started).toEqual([]);
    },
  );

  it('stops when the mode changes, the cluster goes, and at the end', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true });
    putSecret();
    await controller.reconcile('ns1');
    putCluster(surroundings.cluster, 1, { syncMode: 'Pull' }, { appPusher: true });
    await controller.reconcile('ns1');
    expect(stopped).toBe(1);
    putCluster(surroundings.cluster, 1, { syncMode: 'Dual' }, { appPusher: true });
    await controller.reconcile('ns1');
    surroundings.cluster.remove(resources.managedClusters, 'ns1/child1');
    await controller.reconcile('ns1');
    expect(stopped).toBe(2);
    putCluster(surroundings.cluster, 1, { syncMode: 'Dual' }, { appPusher: true });
    await controller.reconcile('ns1');
    await controller.close();
    expect(stopped).toBe(3);
  });

  it('keeps what runs in a cluster that is being taken out, and only there', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { appPusher: true });
    putSecret();
    await controller.reconcile('ns1');
    expect(await started[0]?.retain()).toBe(true);
    const request = surroundings.cluster.put(resources.clusterRegistrationRequests, requestOf(idOf(1)));
    expect(await started[0]?.retain()).toBe(false);
    const metadata = { ...request.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] };
    surroundings.cluster.put(resources.clusterRegistrationRequests, { ...request, metadata });
    expect(await started[0]?.retain()).toBe(true);
  });
});
