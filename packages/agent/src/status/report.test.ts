// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type ManagedClusterStatus } from '@clusternet/api-types';
import { nextReport, undeclaredFields, without } from './report.ts';

const start = new Date('2026-01-01T00:00:00.123Z');
const later = new Date('2026-01-01T00:01:00Z');
const healthy: ManagedClusterStatus = { healthz: true, livez: true, readyz: true, k8sVersion: 'v1.35.0' };

function first(observed = healthy): ManagedClusterStatus {
  const report = nextReport({ observed, reported: undefined, now: start, heartbeat: false });
  if (!report) throw new Error('nothing was reported');
  return report;
}

describe('nextReport', () => {
  it('reports at once when nothing was reported before', () => {
    expect(first()).toMatchObject({
      k8sVersion: 'v1.35.0',
      lastObservedTime: '2026-01-01T00:00:00Z',
      conditions: [{ type: 'Ready', status: 'True', reason: 'ManagedClusterReady', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    });
  });

  it('is silent between heartbeats while nothing of importance changes', () => {
    const observed = { ...healthy, resourceUsage: { cpuUsage: '2' }, podStatistics: { totalPods: 5 } };
    expect(nextReport({ observed, reported: first(), now: later, heartbeat: false })).toBeUndefined();
  });

  it('refreshes the transition time of Ready with a heartbeat only', () => {
    const reported = first();
    const heartbeat = nextReport({ observed: healthy, reported, now: later, heartbeat: true });
    expect(heartbeat?.conditions?.[0]?.lastTransitionTime).toBe('2026-01-01T00:01:00Z');
    const change = nextReport({ observed: { ...healthy, k8sVersion: 'v1.36.0' }, reported, now: later, heartbeat: false });
    expect(change).toMatchObject({
      lastObservedTime: '2026-01-01T00:01:00Z',
      conditions: [{ lastTransitionTime: '2026-01-01T00:00:00Z' }],
    });
  });

  it('repeats nothing where a Lease tells that the cluster is there, but reports its usage regularly', () => {
    const reported = first();
    const due = { reported, now: later, heartbeat: true, leased: true };
    expect(nextReport({ observed: healthy, ...due })).toBeUndefined();
    const report = nextReport({ observed: { ...healthy, podStatistics: { totalPods: 5 } }, ...due });
    expect(report?.podStatistics).toEqual({ totalPods: 5 });
    expect(report?.conditions?.[0]?.lastTransitionTime).toBe('2026-01-01T00:00:00Z');
    expect(nextReport({ observed: { ...healthy, k8sVersion: 'v2' }, ...due, heartbeat: false })).toBeDefined();
  });

  it.each([
    [{ healthz: false, livez: true, readyz: true }, 'True'],
    [{ healthz: true, livez: false, readyz: false }, 'True'],
    [{ healthz: false, livez: true, readyz: false }, 'False'],
    [{ healthz: false, livez: false, readyz: false }, 'False'],
  ])('%j makes Ready %s', (checks, status) => {
    expect(first({ ...healthy, ...checks }).conditions?.[0]?.status).toBe(status);
  });

  it('reports a lost readiness at once, with a new transition time and the failing checks', () => {
    const observed = { ...healthy, healthz: false, readyz: false };
    const report = nextReport({ observed, reported: first(), now: later, heartbeat: false });
    expect(report?.conditions).toEqual([
      {
        type: 'Ready',
        status: 'False',
        reason: 'ManagedClusterNotReady',
        message: 'the API server of the cluster fails /readyz, /healthz',
        lastTransitionTime: '2026-01-01T00:01:00Z',
      },
    ]);
  });
});

describe('fields that the parent does not know', () => {
  it('are read from its refusal and left out', () => {
    const refusal = new Error(
      'failed to create typed patch object (ns/c; clusters.clusternet.io/v1beta1, Kind=ManagedCluster): errors:\n' +
        '  .status.apiserverCABundle: field not declared in schema\n  .status.apiserverTLSServerName: field not declared in schema',
    );
    const fields = undeclaredFields(refusal);
    expect(fields).toEqual(['apiserverCABundle', 'apiserverTLSServerName']);
    expect(without({ ...healthy, apiserverCABundle: 'cGVt' }, new Set(fields))).toEqual(healthy);
    expect(undeclaredFields(new Error('the server is away'))).toEqual([]);
  });
});
