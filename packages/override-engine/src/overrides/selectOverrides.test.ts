// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Globalization, type Localization } from '@clusternet/api-types';
import * as fc from 'fast-check';
import { feedTo, globalization, localization, setData } from '../testing/objects.ts';
import { type ClusterLabels, selectOverrides } from './selectOverrides.ts';

const overrides = [setData({ a: '2' })];
const select = (
  globalizations: Globalization[],
  localizations: Localization[] = [],
  clusters: ClusterLabels[] = [{ region: 'north' }],
): string[] =>
  selectOverrides({ feed: feedTo('a'), globalizations, localizations, clusters }).map(
    ({ origin, problem }) => `${origin?.name}${problem === undefined ? '' : `: ${problem}`}`,
  );
const at = (creationTimestamp: string): { metadata: object } => ({ metadata: { creationTimestamp } });

describe('selectOverrides', () => {
  it.each<[string, () => string[], string[]]>([
    [
      'Globalizations first, then Localizations, whatever their priority',
      () => select([globalization('g', { overrides, priority: 900 })], [localization('l', { overrides, priority: 1 })]),
      ['g', 'l'],
    ],
    [
      'by priority, low first',
      () =>
        select([
          globalization('x', { overrides, priority: 501 }),
          globalization('y', { overrides, priority: 1 }),
          globalization('z', { overrides }),
        ]),
      ['y', 'z', 'x'],
    ],
    [
      '500 where none is said, and 0 stays 0',
      () =>
        select([
          globalization('x', { overrides, priority: 499 }),
          globalization('y', { overrides }),
          globalization('z', { overrides, priority: 0 }),
        ]),
      ['z', 'x', 'y'],
    ],
    [
      'equal ones by age, by more than its seconds',
      () =>
        select([
          globalization('x', { overrides, ...at('2026-01-01T00:01:01Z') }),
          globalization('y', { overrides, ...at('2026-01-01T00:00:59Z') }),
        ]),
      ['y', 'x'],
    ],
    [
      'equal ones of one age by name',
      () => select([globalization('y', { overrides }), globalization('x', { overrides })]),
      ['x', 'y'],
    ],
    [
      'all entries of one, in their order',
      () => select([globalization('x', { overrides: [...overrides, ...overrides] })]),
      ['x', 'x'],
    ],
    [
      'not those of other feeds',
      () => select([globalization('x', { overrides, feed: 'b' })], [localization('y', { overrides, feed: 'b' })]),
      [],
    ],
    [
      'not by labels',
      () => select([globalization('x', { overrides, feed: 'b', metadata: { labels: { 'uid-a': 'ConfigMap' } } })]),
      [],
    ],
    [
      'not those that are being deleted',
      () => select([globalization('x', { overrides, metadata: { deletionTimestamp: '2026-01-02T00:00:00Z' } })]),
      [],
    ],
    ['all clusters without clusterAffinity', () => select([globalization('x', { overrides })], [], [{}]), ['x']],
    ['every cluster with an empty one', () => select([globalization('x', { overrides, clusterAffinity: {} })], [], [{}]), ['x']],
    ['no cluster that is not there', () => select([globalization('x', { overrides, clusterAffinity: {} })], [], []), []],
    [
      'clusters by their labels',
      () =>
        select([
          globalization('x', { overrides, clusterAffinity: { matchLabels: { region: 'north' } } }),
          globalization('y', { overrides, clusterAffinity: { matchLabels: { region: 'south' } } }),
        ]),
      ['x'],
    ],
    [
      'clusters by expressions',
      () =>
        select([
          globalization('x', {
            overrides,
            clusterAffinity: { matchExpressions: [{ key: 'region', operator: 'NotIn', values: ['north'] }] },
          }),
        ]),
      [],
    ],
    [
      'says when it cannot be told',
      () =>
        select([globalization('x', { overrides, clusterAffinity: { matchExpressions: [{ key: 'region', operator: 'In' }] } })]),
      ['x: clusterAffinity: label selector: operator In of key "region" needs values'],
    ],
  ])('%s', (_, run, expected) => {
    expect(run()).toEqual(expected);
  });

  it('tells the policies apart; ApplyLater is the default', () => {
    const policies = (['ApplyNow', 'ApplyLater', undefined] as const).map((overridePolicy) =>
      globalization('x', { overrides, overridePolicy }),
    );
    const deferred = policies.map(
      (one) => selectOverrides({ feed: feedTo('a'), globalizations: [one], localizations: [], clusters: [] })[0]?.deferred,
    );
    expect(deferred).toEqual([false, true, true]);
  });

  it('needs the namespace of the feed, and its kind and apiVersion', () => {
    const named = globalization('x', { overrides });
    for (const feed of [
      { ...feedTo('a'), namespace: 'other' },
      { ...feedTo('a'), namespace: undefined },
      { ...feedTo('a'), kind: 'Secret' },
      { ...feedTo('a'), apiVersion: 'v2' },
    ])
      expect(selectOverrides({ feed, globalizations: [named], localizations: [], clusters: [] })).toEqual([]);
  });

  it('gives one order, in whichever order they are given', () => {
    const one = fc.record({ priority: fc.nat(3), age: fc.nat(3), name: fc.constantFrom('a', 'b', 'c', 'd') });
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: ({ name }) => name }), fc.func(fc.integer()), (list, key) => {
        const made = list.map(({ name, priority, age }) =>
          globalization(name, { overrides, priority, ...at(`2026-01-0${age + 1}T00:00:00Z`) }),
        );
        const shuffled = [...made].sort((x, y) => key(x.metadata.name) - key(y.metadata.name));
        expect(select(shuffled)).toEqual(select(made));
      }),
    );
  });
});
