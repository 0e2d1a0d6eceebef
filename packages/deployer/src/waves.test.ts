// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import fc from 'fast-check';
import { planRemoval, planWaves } from './waves.ts';

const object = (apiVersion: string, kind: string, name = 'x'): KubeObject => ({ apiVersion, kind, metadata: { name } });
const crd: KubeObject = {
  ...object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'widgets.example.org'),
  spec: { group: 'example.org', names: { kind: 'Widget' } },
};
const namespace = object('v1', 'Namespace');
const account = object('v1', 'ServiceAccount');
const deployment = object('apps/v1', 'Deployment');
const configMap = object('v1', 'ConfigMap');
const widget = object('example.org/v1', 'Widget');
const webhook = object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration');

describe('planWaves', () => {
  it('applies foundations first, webhooks last, and custom resources after their definition', () => {
    expect(planWaves([webhook, widget, deployment, account, configMap, crd, namespace])).toEqual([
      [crd, namespace],
      [account],
      [deployment, configMap],
      [widget],
      [webhook],
    ]);
  });

  it('takes a custom resource whose definition is not at hand for an ordinary object', () => {
    expect(planWaves([widget, configMap])).toEqual([[widget, configMap]]);
  });

  it('is not misled by a kind of the same name in another group', () => {
    const other = object('example.org/v1', 'Namespace');
    expect(planWaves([other, namespace])).toEqual([[namespace], [other]]);
  });

  it('loses and doubles nothing, whatever the order', () => {
    const all = [crd, namespace, account, deployment, configMap, widget, webhook];
    fc.assert(
      fc.property(fc.shuffledSubarray(all), (objects) => {
        const waves = planWaves(objects);
        expect(waves.flat()).toHaveLength(objects.length);
        expect(new Set(waves.flat())).toEqual(new Set(objects));
        expect(waves.every((wave) => wave.length > 0)).toBe(true);
      }),
    );
  });
});

describe('planRemoval', () => {
  it('goes backwards, and knows custom resources by the name of their definition', () => {
    const feeds = [namespace, crd, widget, deployment].map(({ apiVersion, kind, metadata }) => ({
      apiVersion,
      kind,
      name: metadata.name,
    }));
    expect(planRemoval(feeds).map((wave) => wave.map(({ kind }) => kind))).toEqual([
      ['Widget'],
      ['Deployment'],
      ['Namespace', 'CustomResourceDefinition'],
    ]);
  });
});
