// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import fc from 'fast-check';
import { configMap } from '../testing/fakeCollection.ts';
import { Store } from './store.ts';

const object = (name: string, o: { color?: string; version?: number; uid?: string } = {}): KubeObject =>
  configMap(
    name,
    {},
    { uid: o.uid ?? `uid-${name}`, resourceVersion: String(o.version ?? 1), labels: { color: o.color ?? 'red' } },
  );
const byColor = (o: KubeObject): string[] => (o.metadata.labels?.['color'] ? [o.metadata.labels['color']] : []);
const names = (list: KubeObject[]): string[] => list.map(({ metadata }) => metadata.name).sort();

describe('Store', () => {
  it('keeps indexes in step with changes and deletions', () => {
    const store = new Store({ color: byColor });
    store.set(object('a'));
    store.set(object('b'));
    store.set(object('a', { color: 'blue', version: 2 }));
    expect(names(store.byIndex('color', 'red'))).toEqual(['b']);
    expect(names(store.byIndex('color', 'blue'))).toEqual(['a']);
    store.delete('default/a');
    expect(store.byIndex('color', 'blue')).toEqual([]);
  });

  it('refuses an index that does not exist', () => {
    expect(() => new Store({ color: byColor }).byIndex('colour', 'red')).toThrow('no index "colour"; declared: color');
  });

  it('leaves an object out of an index whose indexer fails, and says so', () => {
    const failures: string[] = [];
    const fails = (): string[] => {
      throw new Error('no');
    };
    const store = new Store({ color: byColor, broken: fails }, (index) => failures.push(index));
    store.set(object('a'));
    expect(names(store.byIndex('color', 'red'))).toEqual(['a']);
    expect(store.byIndex('broken', 'red')).toEqual([]);
    expect(failures).toEqual(['broken']);
  });

  it('tells an object that was made again from one that was changed', () => {
    const store = new Store();
    store.set(object('a', { uid: 'first' }));
    const changes = store.set(object('a', { uid: 'second', version: 2 }));
    expect(changes.map(({ type, object: { metadata } }) => [type, metadata.uid])).toEqual([
      ['deleted', 'first'],
      ['added', 'second'],
    ]);
  });

  it('gives exactly the difference to a new list, which leads from the old state to the new one', () => {
    const collection = fc
      .uniqueArray(
        fc.record({
          name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
          version: fc.nat(2),
          color: fc.constantFrom('red', 'blue'),
          uid: fc.constantFrom('x', 'y'),
        }),
        {
          selector: ({ name }) => name,
        },
      )
      .map((list) => list.map(({ name, version, color, uid }) => object(name, { version, color: `${color}${version}`, uid })));
    fc.assert(
      fc.property(collection, collection, (before, after) => {
        const store = new Store({ color: byColor });
        store.replace(before);
        const told = new Map(before.map((one) => [`default/${one.metadata.name}`, one.metadata]));
        for (const { type, key, object: now, previous } of store.replace(after)) {
          if (type === 'added') expect(told.has(key)).toBe(false);
          else expect(told.has(key)).toBe(true);
          if (type === 'modified') expect(previous?.metadata.resourceVersion).not.toBe(now.metadata.resourceVersion);
          if (type === 'deleted') told.delete(key);
          else told.set(key, now.metadata);
        }
        expect([...told.keys()].sort()).toEqual(store.keys().sort());
        for (const one of after) {
          const known = told.get(`default/${one.metadata.name}`);
          expect([known?.uid, known?.resourceVersion]).toEqual([one.metadata.uid, one.metadata.resourceVersion]);
        }
        for (const color of ['red0', 'red1', 'red2', 'blue0', 'blue1', 'blue2']) {
          expect(names(store.byIndex('color', color))).toEqual(names(store.list().filter((one) => byColor(one).includes(color))));
        }
      }),
    );
  });
});
