// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type ManagedCluster, matchesSelector, type LabelSelector, type Subscription } from '@clusternet/api-types';
import fc from 'fast-check';
import { concernedBy, subscriptionIndexers } from './concern.ts';
import { FakeSource } from './testing/fakeSource.ts';

function cluster(labels?: Record<string, string>): ManagedCluster {
  return {
    apiVersion: 'clusters.clusternet.io/v1beta1',
    kind: 'ManagedCluster',
    metadata: { name: 'a', namespace: 'ns-a', labels },
    spec: { clusterId: '11111111-1111-1111-1111-111111111111', syncMode: 'Pull' },
  };
}

function subscription(name: string, selectors: LabelSelector[], bindingClusters: string[] = []): Subscription {
  return {
    apiVersion: 'apps.clusternet.io/v1alpha1',
    kind: 'Subscription',
    metadata: { name, namespace: 'default' },
    spec: { subscribers: selectors.map((clusterAffinity) => ({ clusterAffinity })), feeds: [] },
    status: { bindingClusters },
  };
}

function concerned(subscriptions: Subscription[], of: ManagedCluster): string[] {
  const source = new FakeSource<Subscription>(subscriptionIndexers);
  for (const one of subscriptions) source.set(one);
  return concernedBy(of, source)
    .map(({ metadata }) => metadata.name)
    .sort();
}

describe('concernedBy', () => {
  it('finds those that select the cluster or are bound to it, each once', () => {
    const all = [
      subscription('all', [{}]),
      subscription('eu', [{ matchLabels: { region: 'eu' } }, { matchLabels: { region: 'eu', tier: 'gold' } }], ['ns-a/a']),
      subscription('us', [{ matchLabels: { region: 'us' } }]),
      subscription('bound', [{ matchLabels: { region: 'us' } }], ['ns-a/a', 'ns-b/b']),
      subscription('listed', [{ matchExpressions: [{ key: 'region', operator: 'In', values: ['eu'] }] }]),
      subscription('nobody', []),
    ];
    expect(concerned(all, cluster({ region: 'eu' }))).toEqual(['all', 'bound', 'eu', 'listed']);
    expect(concerned(all, cluster())).toEqual(['all', 'bound', 'eu']);
  });

  it('passes over a selector that cannot be read', () => {
    expect(concerned([subscription('odd', [{ matchExpressions: [{ key: 'a', operator: 'In' }] }])], cluster({ a: 'b' }))).toEqual(
      [],
    );
  });

  it('misses none that a look at all of them would find', () => {
    const pairs = fc.dictionary(fc.constantFrom('k', 'l', 'm'), fc.constantFrom('x', 'y'), { maxKeys: 3 });
    fc.assert(
      fc.property(fc.array(fc.array(pairs, { maxLength: 3 })), pairs, (selectors, labels) => {
        const all = selectors.map((matchLabels, i) =>
          subscription(
            `s${i}`,
            matchLabels.map((pair) => ({ matchLabels: pair })),
          ),
        );
        const expected = all.filter(({ spec }) => spec.subscribers.some((s) => matchesSelector(s.clusterAffinity, labels)));
        expect(concerned(all, cluster(labels))).toEqual(expected.map(({ metadata }) => metadata.name).sort());
      }),
    );
  });
});
