// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import { replicasOf, replicasOfChart, scalePathOf } from './replicasOf.ts';
import { requirementsOf } from './requirementsOf.ts';

function object(apiVersion: string, kind: string, spec: object, annotations?: Record<string, string>): KubeObject {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'shop', annotations }, spec };
}

describe('replicasOf', () => {
  it.each<[string, KubeObject, number | undefined, string | undefined]>([
    ['a Deployment', object('apps/v1', 'Deployment', { replicas: 5 }), 5, '/spec/replicas'],
    ['a Deployment that leaves it to the default', object('apps/v1', 'Deployment', {}), 1, '/spec/replicas'],
    ['one that is scaled to nothing', object('apps/v1', 'StatefulSet', { replicas: 0 }), 0, '/spec/replicas'],
    ['a Deployment of an old group', object('extensions/v1beta1', 'Deployment', { replicas: 2 }), 2, '/spec/replicas'],
    ['a Job by its completions', object('batch/v1', 'Job', { completions: 8, parallelism: 2 }), 8, '/spec/completions'],
    ['a Job without them by its workers', object('batch/v1', 'Job', { parallelism: 4 }), 4, '/spec/parallelism'],
    ['a Job of one piece', object('batch/v1', 'Job', {}), undefined, undefined],
    [
      'a CronJob',
      object('batch/v1', 'CronJob', { jobTemplate: { spec: { completions: 3 } } }),
      3,
      '/spec/jobTemplate/spec/completions',
    ],
    ['a ConfigMap', object('v1', 'ConfigMap', {}), undefined, undefined],
    ['a kind of the same name in another group', object('example.com/v1', 'Deployment', { replicas: 5 }), undefined, undefined],
    [
      'a kind with a declared path',
      object('example.com/v1', 'Farm', { size: 7 }, { 'apps.clusternet.io/replicas-path': '/spec/size' }),
      7,
      '/spec/size',
    ],
  ])('reads %s', (_, template, desiredReplicas, replicaJsonPath) => {
    const replicas = replicasOf(template);
    expect(replicas.desiredReplicas).toBe(desiredReplicas);
    expect(replicas.replicaJsonPath).toBe(replicaJsonPath);
  });

  it('reads a custom kind by the scale subresource of its definition', () => {
    const definition = object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      versions: [{ name: 'v1', subresources: { scale: { specReplicasPath: '.spec.workers.count' } } }],
    });
    const path = scalePathOf(definition, 'v1');
    expect(path).toBe('/spec/workers/count');
    expect(scalePathOf(definition, 'v2')).toBeUndefined();
    expect(replicasOf(object('example.com/v1', 'Farm', { workers: { count: 3 } }), path)).toEqual({
      desiredReplicas: 3,
      replicaJsonPath: '/spec/workers/count',
    });
  });

  it.each([
    ['/spec/none', /no number there/],
    ['spec', /no number there/],
    ['/spec/name', /no number there/],
  ])('says that the path %s leads nowhere', (path, message) => {
    const farm = object('example.com/v1', 'Farm', { size: 7, name: 'x' }, { 'apps.clusternet.io/replicas-path': path });
    expect(() => replicasOf(farm)).toThrow(message);
  });

  it('takes requirements from an annotation, and says when they are none', () => {
    const annotations = (text: string) => ({
      'apps.clusternet.io/replicas-path': '/spec/size',
      'apps.clusternet.io/replica-requirements': text,
    });
    const farm = object('example.com/v1', 'Farm', { size: 7 }, annotations('{"resources":{"requests":{"cpu":"2"}}}'));
    expect(replicasOf(farm).replicaRequirements).toEqual({ resources: { requests: { cpu: '2' } } });
    expect(() => replicasOf(object('example.com/v1', 'Farm', { size: 7 }, annotations('cpu: 2')))).toThrow(/has to be JSON/);
  });
});

describe('replicasOfChart', () => {
  const chart = (annotations?: Record<string, string>) => object('apps.clusternet.io/v1alpha1', 'HelmChart', {}, annotations);

  it('is what the annotations declare', () => {
    const annotations = { 'apps.clusternet.io/replicas-path': '/web/replicaCount', 'apps.clusternet.io/replicas': '6' };
    expect(replicasOfChart(chart(annotations))).toEqual({ desiredReplicas: 6, replicaJsonPath: '/web/replicaCount' });
    expect(replicasOfChart(chart())).toEqual({});
  });

  it.each([
    [{ 'apps.clusternet.io/replicas': '6' }],
    [{ 'apps.clusternet.io/replicas-path': '/a', 'apps.clusternet.io/replicas': 'many' }],
    [{ 'apps.clusternet.io/replicas-path': '/a' }],
    [{ 'apps.clusternet.io/replicas-path': 'a', 'apps.clusternet.io/replicas': '1' }],
  ])('refuses %j', (annotations) => {
    expect(() => replicasOfChart(chart(annotations))).toThrow(/annotation apps.clusternet.io/);
  });
});

describe('requirementsOf', () => {
  it('counts as the scheduler of Kubernetes does', () => {
    const pod = {
      nodeSelector: { disk: 'ssd' },
      containers: [
        { resources: { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '1' } } },
        { resources: { limits: { cpu: '0.5' } } },
      ],
      initContainers: [
        { resources: { requests: { memory: '3Gi' } } },
        { restartPolicy: 'Always', resources: { requests: { cpu: '50m' } } },
      ],
      overhead: { cpu: '10m' },
    };
    expect(requirementsOf(pod)).toEqual({
      nodeSelector: { disk: 'ssd' },
      resources: { requests: { cpu: '660m', memory: String(3 * 2 ** 30) }, limits: { cpu: '1510m' } },
    });
    expect(requirementsOf({ containers: [{}] })).toEqual({});
  });

  it('names the claims of a pod, and the classes of volumes that are made for it', () => {
    const web: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace: 'shop' },
      spec: {
        replicas: 2,
        template: {
          spec: {
            containers: [{}],
            volumes: [
              { persistentVolumeClaim: { claimName: 'shared' } },
              { emptyDir: {} },
              { ephemeral: { volumeClaimTemplate: { spec: { storageClassName: 'scratch' } } } },
            ],
          },
        },
        volumeClaimTemplates: [{ spec: { storageClassName: 'fast' } }, { spec: { storageClassName: 'fast' } }, { spec: {} }],
      },
    };
    expect(replicasOf(web).replicaRequirements).toEqual({
      volumeClaims: ['shop/shared'],
      storageClassNames: ['fast', 'scratch'],
    });
  });
});
