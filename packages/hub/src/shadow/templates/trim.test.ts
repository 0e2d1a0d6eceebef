// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { immutableProblems } from './immutable.ts';
import { trim } from './trim.ts';

function object(apiVersion: string, kind: string, content: object): KubeObject {
  return { apiVersion, kind, metadata: { name: 'a' }, ...content };
}

describe('what the parent filled in', () => {
  it('goes, and what was asked for stays', () => {
    const given = object('v1', 'Service', {
      metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: 't' },
      spec: {
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
        ipFamilies: ['IPv4'],
        ports: [
          { port: 80, protocol: 'TCP', nodePort: 30080 },
          { port: 80, protocol: 'UDP', nodePort: 30081 },
        ],
      },
      status: { loadBalancer: {} },
    });
    const wanted = {
      spec: {
        ports: [
          { port: 80, nodePort: 30080 },
          { port: 80, protocol: 'UDP' },
        ],
      },
    };
    expect(trim(given, wanted)).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a' },
      spec: {
        ports: [
          { port: 80, protocol: 'TCP', nodePort: 30080 },
          { port: 80, protocol: 'UDP' },
        ],
      },
    });
    expect(trim(given, { spec: { clusterIP: '10.0.0.1' } })).toMatchObject({ spec: { clusterIP: '10.0.0.1' } });
  });

  it.each(['ConfigMap', 'Service'])('leaves the answer of the parent as it was: %s', (kind) => {
    const spec = { clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30000 }] };
    const given = object('v1', kind, { spec, status: { loadBalancer: {} } });
    given.metadata.uid = 'u';
    const before = structuredClone(given);
    expect(trim(given, {}).metadata).not.toHaveProperty('uid');
    expect(given).toEqual(before);
  });

  it('stays in a kind of another group that is called alike', () => {
    const given = object('serving.example.io/v1', 'Service', { spec: { clusterIP: 'x' } });
    expect(trim(given, {})).toEqual(given);
  });

  it('goes from a Job with its generated selector', () => {
    const generated = { 'batch.kubernetes.io/controller-uid': 'u', 'job-name': 'a' };
    const given = object('batch/v1', 'Job', {
      metadata: { name: 'a', labels: { ...generated, app: 'x' } },
      spec: {
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
        template: { metadata: { labels: { ...generated, app: 'x' } } },
      },
    });
    expect(trim(given, {})).toMatchObject({ spec: { template: { metadata: { labels: { app: 'x' } } } } });
    expect(trim(given, {})).not.toHaveProperty('spec.selector');
    expect(trim(given, {}).metadata.labels).toEqual({ app: 'x' });
    const asked = { metadata: { labels: { 'job-name': 'a' } } };
    expect(trim(given, asked).metadata.labels).toEqual({ app: 'x', 'job-name': 'a' });
  });
});

describe('what may not change', () => {
  it.each([
    ['apps/v1', 'Deployment', { spec: { selector: { a: '1' } } }, { spec: { selector: { a: '2' } } }, 'spec.selector'],
    ['v1', 'Secret', { type: 'Opaque' }, { type: 'other' }, 'type'],
    ['v1', 'ConfigMap', { immutable: true, data: { a: '1' } }, { immutable: true, data: {} }, 'data'],
    ['apps/v1', 'StatefulSet', { spec: { serviceName: 'a' } }, { spec: { serviceName: 'b' } }, 'spec'],
    ['rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { name: 'a' } }, { roleRef: { name: 'b' } }, 'roleRef'],
  ])('in %s %s', (apiVersion, kind, before, after, field) => {
    const problems = immutableProblems(object(apiVersion, kind, before), object(apiVersion, kind, after));
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(immutableProblems(object(apiVersion, kind, before), object(apiVersion, kind, before))).toEqual([]);
  });

  it('is a matter of the group too', () => {
    const changed = ['a', 'b'].map((type) => object('example.io/v1', 'Secret', { type }));
    expect(immutableProblems(changed[0] as KubeObject, changed[1] as KubeObject)).toEqual([]);
  });
});
