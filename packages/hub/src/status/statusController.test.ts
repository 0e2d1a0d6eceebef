// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Base, type Condition, conditionTypes, type Description, resources, type Subscription } from '@clusternet/api-types';
import { SubscriptionController } from '../subscription/subscriptionController.ts';
import { fakeContext } from '../testing/context.ts';
import { idOf, putCluster, putDescription, putSubscription, webFeed } from '../testing/placed.ts';
import { StatusController } from './statusController.ts';

let surroundings: ReturnType<typeof fakeContext>;
let controller: StatusController;
const key = 'shop/app';
const running = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };

beforeEach(async () => {
  surroundings = fakeContext();
  controller = new StatusController(surroundings.context);
  for (const n of [1, 2]) putCluster(surroundings.cluster, n);
  putSubscription(surroundings.cluster, { bound: [1, 2] });
  await new SubscriptionController(surroundings.context, 0).reconcile(key);
});

function report(n: number, status: Description['status'], spec?: Partial<Description['spec']>): void {
  const base = surroundings.cluster.list<Base>(resources.bases).find(({ metadata }) => metadata.namespace === `ns${n}`) as Base;
  putDescription(surroundings.cluster, base, status, spec);
}

function deployed(n: number, observedStatus: Record<string, unknown> = running): void {
  report(n, { phase: 'Success', observedGeneration: 1, manifestStatuses: [{ ...webFeed, observedStatus }] });
}

function status(): Subscription['status'] {
  return surroundings.cluster.get<Subscription>(resources.subscriptions, key)?.status;
}

function condition(): Condition | undefined {
  return status()?.conditions?.find(({ type }) => type === conditionTypes.deployed);
}

describe('StatusController', () => {
  it('adds up what the clusters report, in the order of the bindings', async () => {
    deployed(2);
    deployed(1);
    await controller.reconcile(key);
    expect(status()?.aggregatedStatuses).toEqual([
      {
        ...webFeed,
        feedStatusSummary: {
          available: true,
          replicaStatus: { observedGeneration: 1, replicas: 6, updatedReplicas: 6, readyReplicas: 6, availableReplicas: 6 },
        },
        feedStatusDetails: [
          { clusterId: idOf(1), clusterName: 'child1', available: true, replicaStatus: running },
          { clusterId: idOf(2), clusterName: 'child2', available: true, replicaStatus: running },
        ],
      },
    ]);
    expect(status()?.completedReleases).toBe(2);
    expect(condition()).toMatchObject({ status: 'True', reason: 'AllFeedsDeployed' });
  });

  it('says what it waits for, and writes nothing twice', async () => {
    deployed(1);
    await controller.reconcile(key);
    expect(condition()).toMatchObject({ status: 'False', reason: 'Progressing', message: 'waits for child2' });
    surroundings.cluster.writes.length = 0;
    await controller.reconcile(key);
    expect(surroundings.cluster.writes).toEqual([]);
  });

  it('counts a deployed feed whose pods are not ready as deployed, not as completed', async () => {
    deployed(1);
    deployed(2, { observedGeneration: 1, replicas: 3, updatedReplicas: 3, unavailableReplicas: 3 });
    await controller.reconcile(key);
    expect(condition()?.status).toBe('True');
    expect(status()?.completedReleases).toBe(1);
    expect(status()?.aggregatedStatuses?.[0]?.feedStatusSummary?.available).toBeUndefined();
  });

  it('names feed, cluster, cause and time of a failure', async () => {
    deployed(1);
    const error = { reason: 'Forbidden', message: 'quota exceeded', since: '2026-01-01T10:00:00Z' };
    report(2, { phase: 'Failure', reason: 'x', manifestStatuses: [{ ...webFeed, error }] });
    await controller.reconcile(key);
    expect(condition()).toMatchObject({
      status: 'False',
      reason: 'FeedFailed',
      message: 'apps/v1 Deployment shop/web in cluster child2: Forbidden: quota exceeded (since 2026-01-01T10:00:00Z)',
    });
  });

  it('names a feed that is missing in the parent', async () => {
    deployed(1);
    const skipped = [{ ...webFeed, reason: 'FeedNotFound', message: 'there is no such Manifest', since: '2026-01-01T10:00:00Z' }];
    report(2, { phase: 'Success', observedGeneration: 1 }, { skipped });
    await controller.reconcile(key);
    expect(condition()?.message).toContain('child2: FeedNotFound: there is no such Manifest');
  });

  it('names a cluster that does not answer', async () => {
    deployed(1);
    report(2, { phase: 'Failure', reason: 'connection refused' });
    await controller.reconcile(key);
    expect(condition()?.message).toBe('cluster child2: Failed: connection refused');
  });

  it('is not misled by entries of other feeds and of clusters that left', async () => {
    deployed(1);
    report(2, {
      phase: 'Success',
      observedGeneration: 1,
      manifestStatuses: [
        { ...webFeed, observedStatus: running },
        { ...webFeed, name: 'old' },
      ],
    });
    await controller.reconcile(key);
    expect(condition()?.status).toBe('True');
    expect(status()?.aggregatedStatuses).toHaveLength(1);
  });

  it('does not call an older generation deployed', async () => {
    deployed(1);
    report(2, { phase: 'Success', observedGeneration: 0, manifestStatuses: [{ ...webFeed, observedStatus: running }] });
    await controller.reconcile(key);
    expect(condition()?.reason).toBe('Progressing');
  });
});
