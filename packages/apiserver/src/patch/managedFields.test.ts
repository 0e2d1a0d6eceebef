// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromFieldsV1, toFieldsV1 } from './fieldSet.ts';
import { type JsonObject } from './json.ts';
import {
  applyConfiguration,
  entriesBefore,
  managerName,
  type ManagedFieldsEntry,
  ownByUpdate,
  sameOwnership,
} from './managedFields.ts';
import { mergeSchema } from './schema.ts';
import { fieldSetOf } from './typedValue.ts';

const text = { type: 'string' };
const schema = mergeSchema(
  {
    properties: {
      metadata: { properties: { labels: { additionalProperties: text }, name: text } },
      spec: {
        properties: {
          replicas: { type: 'integer' },
          selector: { 'x-kubernetes-map-type': 'atomic', properties: { app: text } },
          ports: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['port', 'protocol'],
            items: { properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, name: text } },
          },
        },
      },
    },
  },
  {},
);

const manager = (name: string) => ({ name, apiVersion: 'v1', now: '2026-01-01T00:00:00Z' });

function apply(live: JsonObject, applied: JsonObject, o: { by: string; entries?: ManagedFieldsEntry[]; force?: boolean }) {
  return applyConfiguration({ live, applied, schema, entries: o.entries ?? [], manager: manager(o.by), force: o.force ?? false });
}

describe('the owners that a write brings along', () => {
  const live = [{ manager: 'one', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:a': {} } }];
  const moved = [{ manager: 'one', operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: { 'f:a': {} } }];

  it.each([
    ['count', moved, moved],
    ['are cleared by an empty one', [{}], []],
    ['do not count if there are none', undefined, live],
    ['do not count if the list is empty', [], live],
    ['do not count if one is none', [...moved, { manager: 'x' }], live],
    ['do not count if they are of another type', [{ ...moved[0], fieldsType: 'FieldsV2' }], live],
  ])('%s', (_what, given, expected) => {
    expect(entriesBefore(given, live)).toEqual(expected);
  });
});

describe('server-side apply', () => {
  const first = apply({}, { spec: { replicas: 1, ports: [{ port: 80, name: 'http' }], selector: { app: 'a' } } }, { by: 'one' });

  describe('by kubectl, after kubectl apply', () => {
    const key = 'kubectl.kubernetes.io/last-applied-configuration';
    const config = (replicas: number): JsonObject => ({ apiVersion: 'v1', metadata: { name: 'a' }, spec: { replicas } });
    const given = (replicas: number, o: { last?: JsonObject } = {}) => {
      const before = { apiVersion: 'v1', metadata: { name: 'a' } };
      const metadata = { name: 'a', annotations: { [key]: JSON.stringify(o.last ?? config(replicas)), other: 'x' } };
      const live = { ...config(replicas), metadata };
      const by = manager('kubectl-client-side-apply');
      return { live, entries: ownByUpdate({ before, after: live, schema, entries: [], manager: by }) };
    };

    it('takes over what that wrote, and goes on keeping what was applied', () => {
      const { live, entries } = given(1);
      const { object } = apply(live, config(2), { by: 'kubectl', entries });
      expect(object).toMatchObject({ spec: { replicas: 2 }, metadata: { annotations: { other: 'x' } } });
      const text = '{"apiVersion":"v1","metadata":{"name":"a"},"spec":{"replicas":2}}\n';
      expect((object['metadata'] as { annotations: object }).annotations).toHaveProperty([key], text);
    });

    it('conflicts where something else was written since, and for other managers', () => {
      const since = given(5, { last: config(1) });
      expect(() => apply(since.live, config(2), { by: 'kubectl', entries: since.entries })).toThrow('conflict with');
      const { live, entries } = given(1);
      expect(() => apply(live, config(2), { by: 'flux', entries })).toThrow('.spec.replicas');
      const broken = { ...live, metadata: { annotations: { [key]: '{' } } };
      expect(() => apply(broken, config(2), { by: 'kubectl', entries })).toThrow('conflict with');
      const forced = apply(live, config(2), { by: 'flux', entries, force: true }).object;
      expect((forced['metadata'] as { annotations: object }).annotations).toHaveProperty([key], JSON.stringify(config(1)));
    });
  });

  it('notes who owns what', () => {
    expect(first.entries).toEqual([
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: 'v1',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:spec': {
            'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
            'f:replicas': {},
            'f:selector': {},
          },
        },
      },
    ]);
  });

  it('merges the list items of several managers, and takes away what its manager drops', () => {
    const { object, entries } = apply(first.object, { spec: { ports: [{ port: 443 }] } }, { by: 'two', entries: first.entries });
    expect(object).toMatchObject({ spec: { ports: [{ port: 80, name: 'http' }, { port: 443 }] } });
    const less = apply(object, { spec: { selector: { app: 'a' } } }, { by: 'one', entries });
    expect(less.object).toEqual({ spec: { ports: [{ port: 443 }], selector: { app: 'a' } } });
  });

  it('leaves what nobody owns', () => {
    const live = { ...first.object, metadata: { labels: { kept: '1' } } };
    expect(apply(live, { metadata: { labels: { mine: '1' } } }, { by: 'one', entries: first.entries }).object).toEqual({
      metadata: { labels: { kept: '1', mine: '1' } },
    });
  });

  it('refuses to change what others own, unless it is forced', () => {
    const change = { spec: { replicas: 2 } };
    expect(() => apply(first.object, change, { by: 'two', entries: first.entries })).toThrow(
      'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
    );
    const forced = apply(first.object, change, { by: 'two', entries: first.entries, force: true });
    expect(forced.object).toMatchObject({ spec: { replicas: 2 } });
    const [one, two] = forced.entries;
    expect([JSON.stringify(one?.fieldsV1), two?.fieldsV1]).toEqual([
      expect.not.stringContaining('replicas'),
      { 'f:spec': { 'f:replicas': {} } },
    ]);
  });

  it('names all conflicts by their managers', () => {
    const entries = ownByUpdate({ before: {}, after: first.object, schema, entries: [], manager: manager('kubectl-edit') });
    expect(() => apply(first.object, { spec: { replicas: 2, selector: { app: 'b' } } }, { by: 'x', entries })).toThrow(
      'Apply failed with 2 conflicts: conflicts with "kubectl-edit" using v1:\n- .spec.replicas\n- .spec.selector',
    );
  });

  it('shares what two managers want alike', () => {
    const { entries } = apply(first.object, { spec: { replicas: 1 } }, { by: 'two', entries: first.entries });
    expect(entries.filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:replicas'))).toHaveLength(2);
  });

  it('done twice changes nothing', () => {
    const again = apply(first.object, first.object, { by: 'one', entries: first.entries });
    expect([again.object, sameOwnership(again.entries, first.entries)]).toEqual([first.object, true]);
  });
});

describe('an update', () => {
  it('owns what it changes, and takes it from others', () => {
    const applied = apply({}, { spec: { replicas: 1 }, metadata: { labels: { a: '1' } } }, { by: 'one' });
    const after = { spec: { replicas: 3 }, metadata: { labels: { a: '1', b: '2' } } };
    const entries = ownByUpdate({ before: applied.object, after, schema, entries: applied.entries, manager: manager('edit') });
    expect(entries.map(({ manager: name, operation, fieldsV1 }) => [name, operation, fieldsV1])).toEqual([
      ['one', 'Apply', { 'f:metadata': { 'f:labels': { 'f:a': {} } } }],
      ['edit', 'Update', { 'f:metadata': { 'f:labels': { 'f:b': {} } }, 'f:spec': { 'f:replicas': {} } }],
    ]);
  });

  it('leaves the times of entries alone that stay as they are', () => {
    const before = { spec: { replicas: 1 } };
    const [entry] = ownByUpdate({ before: {}, after: before, schema, entries: [], manager: manager('edit') });
    const later = { ...manager('edit'), now: '2027-01-01T00:00:00Z' };
    expect(ownByUpdate({ before, after: before, schema, entries: [entry ?? {}], manager: later })).toEqual([entry]);
  });
});

describe('field sets', () => {
  it('survive the way to the wire and back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const fields = toFieldsV1(fieldSetOf({ a: value }, schema));
        expect(toFieldsV1(fromFieldsV1(fields))).toEqual(fields);
      }),
    );
  });
});

describe('the name of a manager', () => {
  it('is what was asked for, or what the client calls itself', () => {
    expect(managerName('x', 'kubectl/v1')).toBe('x');
    expect(managerName(null, 'kubectl/v1 (linux)')).toBe('kubectl');
    expect(() => managerName('a\u0000', undefined)).toThrow(expect.objectContaining({ code: 422 }));
    expect(() => managerName('a'.repeat(129), undefined)).toThrow('Too long');
  });
});
