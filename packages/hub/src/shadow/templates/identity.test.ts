// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject, type Manifest } from '@clusternet/api-types';
import { type ServedKind } from '../kinds/servedKind.ts';
import { manifestLabels, manifestNames } from './identity.ts';

const configMaps: ServedKind = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  singular: 'configmap',
  kind: 'ConfigMap',
  namespaced: true,
  categories: [],
  custom: false,
  hasStatus: false,
};

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function template(name: string, labels?: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', labels } };
}

describe('the name of a Manifest', () => {
  it('is made of plural, namespace and name', () => {
    expect([...manifestNames(configMaps, { namespace: 'shop', name: 'a.b' })][0]).toBe('configmaps.shop.a.b');
    expect([...manifestNames(configMaps, { namespace: '', name: 'a' })][0]).toBe('configmaps.a');
  });

  it.each(['a'.repeat(253), 'A:b', '-', '..', 'a..b', 'a-.-b', 'ü/ä', ' ', `${'x.'.repeat(140)}y`, 'system:node:A'])(
    'is one that the API takes, whatever the object is called: %s',
    (name) => {
      for (const one of manifestNames(configMaps, { namespace: 'shop', name })) {
        expect(one).toMatch(subdomain);
        expect(one.length).toBeLessThanOrEqual(253);
      }
    },
  );

  it('has another choice that no other object has', () => {
    const events = (group: string): string | undefined =>
      [...manifestNames({ ...configMaps, group }, { namespace: 'a', name: 'b' })].at(-1);
    expect(events('one')).not.toBe(events('two'));
    expect([...manifestNames(configMaps, { namespace: '', name: 'A:b' })]).not.toEqual([
      ...manifestNames(configMaps, { namespace: '', name: 'a:b' }),
    ]);
  });
});

describe('the labels of a Manifest', () => {
  it('lose what the template loses, and keep what others have put there', () => {
    const before: Manifest = {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'Manifest',
      metadata: { name: 'x', labels: { old: '1', same: '1', uid: 'Subscription' } },
      template: template('a', { old: '1', same: '1' }),
    };
    expect(manifestLabels(configMaps, template('a', { same: '2' }), before)).toEqual({
      same: '2',
      uid: 'Subscription',
      'apps.clusternet.io/config.group': '',
      'apps.clusternet.io/config.version': 'v1',
      'apps.clusternet.io/config.kind': 'ConfigMap',
      'apps.clusternet.io/config.name': 'a',
      'apps.clusternet.io/config.namespace': 'shop',
    });
  });

  it('leave a name out that is no label value', () => {
    for (const name of ['a'.repeat(64), 'system:a']) {
      expect(manifestLabels(configMaps, template(name))).not.toHaveProperty(['apps.clusternet.io/config.name']);
    }
  });
});
