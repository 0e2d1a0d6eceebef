// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster, resources } from '@clusternet/api-types';
import { findCondition } from '@clusternet/runtime';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { fakeContext } from '../testing/context.ts';
import { putCluster } from '../testing/placed.ts';
import { ConnectedController } from './connectedController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: ConnectedController;
let since: Date | undefined;

beforeEach(() => {
  surroundings = fakeContext();
  since = undefined;
  controller = new ConnectedController(surroundings.context, { connectedSince: () => since, onChange: () => () => undefined });
});

function key(): string {
  const [cluster] = surroundings.cluster.list<ManagedCluster>(resources.managedClusters);
  return `${cluster?.metadata.namespace}/${cluster?.metadata.name}`;
}

function condition() {
  const [cluster] = surroundings.cluster.list<ManagedCluster>(resources.managedClusters);
  return findCondition(cluster?.status?.conditions, 'Connected');
}

describe('the condition Connected', () => {
  it('is True while there is a tunnel, and is not written again', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { useSocket: true });
    since = new Date();
    await controller.reconcile(key());
    expect(condition()).toMatchObject({ status: 'True', reason: 'TunnelEstablished' });
    const writes = surroundings.cluster.writes.length;
    await controller.reconcile(key());
    expect(surroundings.cluster.writes).toHaveLength(writes);
  });

  it('bears with an agent that is only moving', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Push' }, { useSocket: true });
    since = new Date();
    await controller.reconcile(key());
    since = undefined;
    expect(await controller.reconcile(key())).toEqual({ requeueAfterMs: 10_000 });
    expect(condition()?.status).toBe('True');
    surroundings.clock.now += 10_000;
    await controller.reconcile(key());
    expect(condition()).toMatchObject({ status: 'False', reason: 'TunnelLost' });
    expect(surroundings.events).toHaveLength(1);
  });

  it('says when no tunnel is meant to be, and nothing about agents that have not reported', async () => {
    putCluster(surroundings.cluster, 1, { syncMode: 'Pull' }, {});
    await controller.reconcile(key());
    expect(condition()).toBeUndefined();
    surroundings = fakeContext();
    controller = new ConnectedController(surroundings.context, { connectedSince: () => since, onChange: () => () => undefined });
    putCluster(surroundings.cluster, 1, { syncMode: 'Pull' }, { useSocket: false });
    await controller.reconcile(key());
    expect(condition()).toMatchObject({ status: 'False', reason: 'TunnelDisabled' });
  });
});
