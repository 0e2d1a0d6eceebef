// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject, labels, type Subscription } from '@clusternet/api-types';
import { descriptionOf } from '../render/descriptionOf.ts';
import { encodeObject } from '../render/encodeManifest.ts';
import {
  base,
  cluster,
  configMap,
  dedicated,
  feedTo,
  globalization,
  localization,
  manifest,
  setData,
} from '../testing/objects.ts';
import { preview, type PreviewInput, subscriptionsWith } from './preview.ts';

const subscription = (more: Partial<Subscription> = {}): Subscription => ({
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'Subscription',
  metadata: { name: 'app', namespace: 'default', uid: 'uid-app' },
  spec: { subscribers: [{ clusterAffinity: { matchLabels: { region: 'north' } } }], feeds: [feedTo('a'), feedTo('b')] },
  ...more,
});
const input: PreviewInput = {
  subscriptions: [subscription()],
  manifests: [manifest(configMap('a')), manifest(configMap('b'))],
  globalizations: [globalization('all', { overrides: [setData({ a: '2' })] })],
  localizations: [localization('one', { overrides: [setData({ b: '3' })] })],
  clusters: [cluster({ region: 'north' }), cluster({ region: 'north' }, 'other'), cluster({ region: 'south' }, 'south')],
  now: new Date('2026-03-01T00:00:00Z'),
};
const data = (objects: ReadonlyMap<string, KubeObject>): unknown[] => [...objects.values()].map((object) => object['data']);

describe('preview', () => {
  it('shows what the clusters that a new Subscription selects would get', () => {
    const previewed = preview(input);
    expect(previewed.map(({ namespace, before, after }) => [namespace, before.size, data(after)])).toEqual([
      [dedicated, 0, [{ a: '2', b: '3' }, { a: '1' }]],
      ['other', 0, [{ a: '2' }, { a: '1' }]],
    ]);
  });

  it('shows it against what a cluster has, where the scheduler has put it', () => {
    const there = base('app-x', [feedTo('a')], { labels: { [labels.subsUid]: 'uid-app' } });
    const spec = { deployer: 'Generic' as const, raw: [encodeObject(configMap('a'))] };
    const description = descriptionOf(there, { name: 'app-x-generic', spec });
    const bound = subscription({ status: { bindingClusters: [`${dedicated}/child`] } });
    const [one, ...others] = preview({ ...input, subscriptions: [bound], bases: [there], descriptions: [description] });
    expect(others).toEqual([]);
    expect([data(one?.before ?? new Map<string, KubeObject>()), data(one?.after ?? new Map<string, KubeObject>())]).toEqual([
      [{ a: '1' }],
      [{ a: '2', b: '3' }, { a: '1' }],
    ]);
  });

  it('tells what does not fit, what is missing and what waits', () => {
    const there = base('app-x', [feedTo('b')], { labels: { [labels.subsUid]: 'uid-app' } });
    const description = descriptionOf(there, {
      name: 'app-x-generic',
      spec: { deployer: 'Generic', raw: [encodeObject(configMap('b'))] },
    });
    const [one] = preview({
      ...input,
      subscriptions: [subscription({ spec: { ...subscription().spec, feeds: ['a', 'b', 'c'].map(feedTo) } })],
      globalizations: [
        globalization('bad', { overrides: [{ type: 'JSONPatch', value: '[{op: remove, path: /x}]' }] }),
        globalization('later', { feed: 'b', overridePolicy: 'ApplyLater', overrides: [setData({ a: '2' })] }),
      ],
      bases: [there],
      descriptions: [description],
    });
    expect(one?.problems.map(({ name, reason }) => `${name} ${reason}`)).toEqual(['a OverrideFailed', 'c FeedNotFound']);
    expect(one?.waiting).toEqual(['Globalization later']);
  });

  it('shows charts with their values', () => {
    const chart = {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'HelmChart',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { repo: 'https://charts.example', chart: 'web', version: '1.0.0', targetNamespace: 'shop' },
      status: { phase: 'Found' as const, version: '1.0.0' },
    };
    const feed = { apiVersion: chart.apiVersion, kind: chart.kind, namespace: 'shop', name: 'web' };
    const values = { ...globalization('all', { overrides: [{ type: 'Helm', value: 'replicas: 2' }] }) };
    const [one] = preview({
      ...input,
      subscriptions: [subscription({ spec: { ...subscription().spec, feeds: [feed] } })],
      charts: [chart],
      globalizations: [{ ...values, spec: { ...values.spec, feed } }],
    });
    const [after] = [...(one?.after.values() ?? [])];
    expect(after).toMatchObject({ kind: 'HelmChart', spec: { version: '1.0.0' }, values: { replicas: 2 } });
    expect(one?.problems).toEqual([]);
  });

  it('finds the Subscriptions that an object concerns', () => {
    const all = [subscription()];
    expect(subscriptionsWith(all, new Set(['v1/ConfigMap/shop/a']))).toEqual(all);
    expect(subscriptionsWith(all, new Set(['v1/ConfigMap/shop/z']))).toEqual([]);
  });
});
