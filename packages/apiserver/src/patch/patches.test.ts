// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { jsonPatch } from './jsonPatch.ts';
import { mergePatch } from './mergePatch.ts';
import { mergeSchema } from './schema.ts';
import { strategicMerge } from './strategicMerge.ts';

describe('a merge patch', () => {
  it('follows the examples of its RFC', () => {
    expect(mergePatch({ a: 'b', c: { d: 'e', f: 'g' } }, { a: 'z', c: { f: null } })).toEqual({ a: 'z', c: { d: 'e' } });
    expect(mergePatch({ a: [{ b: 'c' }] }, { a: [1] })).toEqual({ a: [1] });
    expect(mergePatch({}, { a: { bb: { ccc: null } } })).toEqual({ a: { bb: {} } });
    expect(mergePatch(['c'], { a: 'b' })).toEqual({ a: 'b' });
  });

  it('reaches nothing that all objects share', () => {
    const result = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
    expect(Object.keys(result)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a JSON patch', () => {
  const document = { a: { 'b/c': [1, 2, 3] }, n: null };

  it.each([
    [[{ op: 'add', path: '/a/b~1c/1', value: 9 }], { a: { 'b/c': [1, 9, 2, 3] }, n: null }],
    [[{ op: 'add', path: '/a/b~1c/-', value: 4 }], { a: { 'b/c': [1, 2, 3, 4] }, n: null }],
    [[{ op: 'remove', path: '/a/b~1c/0' }], { a: { 'b/c': [2, 3] }, n: null }],
    [[{ op: 'replace', path: '/a', value: 1 }], { a: 1, n: null }],
    [[{ op: 'move', from: '/a/b~1c', path: '/x' }], { a: {}, n: null, x: [1, 2, 3] }],
    [[{ op: 'copy', from: '/a/b~1c/2', path: '/x' }], { a: { 'b/c': [1, 2, 3] }, n: null, x: 3 }],
    [[{ op: 'test', path: '/a', value: { 'b/c': [1, 2, 3] } }], { a: { 'b/c': [1, 2, 3] }, n: null }],
  ])('%j', (patch, result) => {
    expect(jsonPatch(document, patch)).toEqual(result);
    expect(document).toEqual({ a: { 'b/c': [1, 2, 3] }, n: null });
  });

  it.each([
    [[{ op: 'remove', path: '/x' }]],
    [[{ op: 'replace', path: '/x', value: 1 }]],
    [[{ op: 'add', path: '/x/y', value: 1 }]],
    [[{ op: 'add', path: '/a/b~1c/9', value: 1 }]],
    [[{ op: 'add', path: '/toString/x', value: 1 }]],
    [[{ op: 'test', path: '/a', value: 1 }]],
    [[{ op: 'move', from: '/a', path: '/a/b' }]],
    [[{ op: 'other', path: '/a' }]],
    [[null]],
  ])('%j does not fit', (patch) => {
    expect(() => jsonPatch(document, patch)).toThrow(expect.objectContaining({ code: 422 }));
  });

  it('has a limit', () => {
    const patch = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/n', value: null }));
    expect(() => jsonPatch(document, patch)).toThrow(expect.objectContaining({ code: 413 }));
    expect(() => jsonPatch(document, {})).toThrow(expect.objectContaining({ code: 400 }));
  });
});

describe('a strategic merge patch', () => {
  const item = { type: 'object', properties: { name: { type: 'string' } } };
  const schema = mergeSchema(
    {
      properties: {
        containers: {
          type: 'array',
          items: item,
          'x-kubernetes-patch-merge-key': 'name',
          'x-kubernetes-patch-strategy': 'merge',
        },
        finalizers: { type: 'array', 'x-kubernetes-patch-strategy': 'merge' },
        plain: { type: 'array' },
        strategy: { type: 'object', 'x-kubernetes-patch-strategy': 'retainKeys' },
      },
    },
    {},
  );
  const target = {
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '2' },
    ],
    finalizers: ['x'],
    plain: [1],
    strategy: { type: 'RollingUpdate', rollingUpdate: {} },
  };

  it('merges lists by their key, and replaces those without', () => {
    const patch = { containers: [{ name: 'b', image: '3' }, { name: 'c' }], finalizers: ['x', 'y'], plain: [2] };
    expect(strategicMerge(target, patch, schema)).toMatchObject({
      containers: [{ name: 'a', image: '1' }, { name: 'b', image: '3' }, { name: 'c' }],
      finalizers: ['x', 'y'],
      plain: [2],
    });
  });

  it('obeys its directives', () => {
    expect(strategicMerge(target, { containers: [{ name: 'a', $patch: 'delete' }] }, schema)['containers']).toEqual([
      { name: 'b', image: '2' },
    ]);
    expect(strategicMerge(target, { containers: [{ name: 'z' }, { $patch: 'replace' }] }, schema)['containers']).toEqual([
      { name: 'z' },
    ]);
    expect(strategicMerge(target, { '$deleteFromPrimitiveList/finalizers': ['x'] }, schema)['finalizers']).toEqual([]);
    expect(strategicMerge(target, { strategy: { $retainKeys: ['type'], type: 'Recreate' } }, schema)['strategy']).toEqual({
      type: 'Recreate',
    });
    const order = { '$setElementOrder/containers': [{ name: 'b' }, { name: 'n' }], containers: [{ name: 'n' }] };
    const names = (strategicMerge(target, order, schema)['containers'] as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['a', 'b', 'n']);
    expect(() => strategicMerge(target, { $patch: 'other' }, schema)).toThrow(expect.objectContaining({ code: 400 }));
    expect(() => strategicMerge(target, { containers: [{ image: '1' }] }, schema)).toThrow('declared merge key: name');
  });
});
