// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Feed, feedKey } from '@clusternet/api-types';
import { isAvailable } from '@clusternet/runtime';
import { webFeed } from '../testing/placed.ts';
import { aggregate, type ClusterReport } from './aggregate.ts';
import { deployedConditionOf } from './deployedCondition.ts';
import { replicaStatusOf } from './replicaStatus.ts';

function clusterReport(n: number, available: boolean): ClusterReport {
  return {
    clusterName: `child${n}`,
    state: {
      feeds: new Map([[feedKey(webFeed), { available, replicaStatus: { replicas: 1 } }]]),
      problems: [],
      deployed: true,
      available,
    },
  };
}

describe('aggregate', () => {
  it('cuts the details and keeps those that matter, in order; the summary counts all', () => {
    const clusters = [0, 1, 2, 3, 4].map((n) => clusterReport(n, n !== 3));
    const { aggregatedStatuses, omitted } = aggregate([webFeed], clusters, 2);
    expect(aggregatedStatuses[0]?.feedStatusDetails?.map(({ clusterName }) => clusterName)).toEqual(['child0', 'child3']);
    expect(aggregatedStatuses[0]?.feedStatusSummary?.replicaStatus?.replicas).toBe(5);
    expect(omitted).toBe(3);
    expect(deployedConditionOf({ clusters, omitted, scheduled: true }).message).toContain(
      'details of 3 of 5 clusters are left out',
    );
  });

  it('stays far below the size of an object for many clusters', () => {
    const feeds = Array.from({ length: 50 }, (_, n): Feed => ({ ...webFeed, name: `web-${n}` }));
    const clusters = Array.from({ length: 1_000 }, (_, n) => clusterReport(n, false));
    expect(JSON.stringify(aggregate(feeds, clusters)).length).toBeLessThan(800_000);
  });

  it('bounds the message however many clusters fail', () => {
    const clusters = Array.from({ length: 1_000 }, (_, n): ClusterReport => {
      const report = clusterReport(n, false);
      return { ...report, state: { ...report.state, problems: [{ feed: webFeed, reason: 'X', message: 'y'.repeat(5_000) }] } };
    });
    const { message } = deployedConditionOf({ clusters, omitted: 0, scheduled: true });
    expect(message?.length).toBeLessThanOrEqual(2_048);
    expect(message).toContain('and 995 more');
  });
});

describe('counters', () => {
  const of = (apiVersion: string, kind: string): Feed => ({ apiVersion, kind, name: 'x' });

  it('of a DaemonSet are the counts of its nodes', () => {
    const observed = {
      observedGeneration: 2,
      desiredNumberScheduled: 3,
      numberReady: 2,
      numberUnavailable: 1,
      currentNumberScheduled: 3,
    };
    expect(replicaStatusOf(of('apps/v1', 'DaemonSet'), observed)).toEqual({
      observedGeneration: 2,
      replicas: 3,
      currentReplicas: 3,
      readyReplicas: 2,
      unavailableReplicas: 1,
    });
    expect(isAvailable(of('apps/v1', 'DaemonSet'), observed)).toBe(false);
  });

  it.each([undefined, 'x', { replicas: '3' }, { replicas: -1 }, { replicas: 1.5 }, { conditions: 'x' }])(
    'tolerate %j',
    (observed) => {
      expect(replicaStatusOf(of('apps/v1', 'Deployment'), observed)).toEqual({});
      expect(isAvailable(of('apps/v1', 'Deployment'), observed)).toBe(false);
    },
  );

  it('know no kinds but workloads; other objects are available unless they say no', () => {
    expect(replicaStatusOf(of('v1', 'ConfigMap'), undefined)).toBeUndefined();
    expect(isAvailable(of('v1', 'ConfigMap'), undefined)).toBe(true);
    const established = (status: string): unknown => ({ conditions: [{ type: 'Established', status }] });
    expect(isAvailable(of('apiextensions.k8s.io/v1', 'CustomResourceDefinition'), established('True'))).toBe(true);
    expect(isAvailable(of('apiextensions.k8s.io/v1', 'CustomResourceDefinition'), established('False'))).toBe(false);
  });

  it('call a Job available when it is complete', () => {
    const job = of('batch/v1', 'Job');
    expect(isAvailable(job, { active: 1 })).toBe(false);
    expect(isAvailable(job, { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })).toBe(true);
    expect(replicaStatusOf(job, { active: 1, failed: 2 })).toEqual({ active: 1, failed: 2 });
  });

  it('call a Deployment scaled to nothing available, and one not seen by its controller not', () => {
    expect(isAvailable(webFeed, { observedGeneration: 1 })).toBe(true);
    expect(isAvailable(webFeed, {})).toBe(false);
  });
});
