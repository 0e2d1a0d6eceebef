// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { jsonPatch, maxOperations } from './jsonPatch.ts';
import { formatPointer, parsePointer } from './jsonPointer.ts';
import { PatchError } from './overrideError.ts';

type Case = [title: string, document: unknown, patch: unknown, expected: unknown];
const op = (name: string, path: unknown, rest: object = {}): object => ({ op: name, path, ...rest });

/** What RFC 6902 (appendix A) and the public test suite of JSON patch say, in our words. */
const applied: Case[] = [
  ['A.1 adds a member', { foo: 'bar' }, [op('add', '/baz', { value: 'qux' })], { baz: 'qux', foo: 'bar' }],
  ['A.2 adds an item', { foo: ['bar', 'baz'] }, [op('add', '/foo/1', { value: 'qux' })], { foo: ['bar', 'qux', 'baz'] }],
  ['A.3 removes a member', { baz: 'qux', foo: 'bar' }, [op('remove', '/baz')], { foo: 'bar' }],
  ['A.4 removes an item', { foo: ['bar', 'qux', 'baz'] }, [op('remove', '/foo/1')], { foo: ['bar', 'baz'] }],
  ['A.5 replaces a value', { baz: 'qux', foo: 'bar' }, [op('replace', '/baz', { value: 'boo' })], { baz: 'boo', foo: 'bar' }],
  [
    'A.6 moves a value',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [op('move', '/qux/thud', { from: '/foo/waldo' })],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'A.7 moves an item',
    { foo: ['all', 'grass', 'cows', 'eat'] },
    [op('move', '/foo/3', { from: '/foo/1' })],
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  [
    'A.8 tests values',
    { baz: 'qux', foo: ['a', 2, 'c'] },
    [op('test', '/baz', { value: 'qux' }), op('test', '/foo/1', { value: 2 })],
    { baz: 'qux', foo: ['a', 2, 'c'] },
  ],
  [
    'A.10 adds an object',
    { foo: 'bar' },
    [op('add', '/child', { value: { grandchild: {} } })],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  ['A.11 ignores further members', { foo: 'bar' }, [op('add', '/baz', { value: 'qux', xyz: 123 })], { foo: 'bar', baz: 'qux' }],
  ['A.14 escapes ~', { '/': 9, '~1': 10 }, [op('test', '/~01', { value: 10 })], { '/': 9, '~1': 10 }],
  [
    'A.16 adds a list to a list',
    { foo: ['bar'] },
    [op('add', '/foo/-', { value: ['abc', 'def'] })],
    { foo: ['bar', ['abc', 'def']] },
  ],
  ['an empty list', {}, [], {}],
  ['an empty patch', { foo: 1 }, [], { foo: 1 }],
  ['a list as the document', ['foo'], [op('replace', '/0', { value: 'bar' })], ['bar']],
  ['adds into a list at the root', ['foo'], [op('add', '/0', { value: 'bar' })], ['bar', 'foo']],
  ['adds at the end by index', ['foo'], [op('add', '/1', { value: 'bar' })], ['foo', 'bar']],
  ['adds in the middle', [0, 1], [op('add', '/1', { value: 'x' })], [0, 'x', 1]],
  ['adds to the root', [], [op('add', '/-', { value: 'hi' })], ['hi']],
  ['adds null', {}, [op('add', '/foo', { value: null })], { foo: null }],
  ['replaces null', { foo: null }, [op('replace', '/foo', { value: 'truthy' })], { foo: 'truthy' }],
  ['moves null', { foo: null }, [op('move', '/bar', { from: '/foo' })], { bar: null }],
  ['copies null', { foo: null }, [op('copy', '/bar', { from: '/foo' })], { foo: null, bar: null }],
  ['removes null', { foo: null }, [op('remove', '/foo')], {}],
  ['tests null', { foo: null }, [op('test', '/foo', { value: null })], { foo: null }],
  ['adds over a member', { foo: 1 }, [op('add', '/foo', { value: [1] })], { foo: [1] }],
  ['a number as a key', {}, [op('add', '/0', { value: 'bar' })], { 0: 'bar' }],
  ['an empty key', { '': 1 }, [op('test', '/', { value: 1 }), op('add', '/', { value: 2 })], { '': 2 }],
  ['an empty key below', { foo: {} }, [op('add', '/foo/', { value: 1 })], { foo: { '': 1 } }],
  ['- is a key of an object', { foo: 1 }, [op('add', '/-', { value: 2 })], { foo: 1, '-': 2 }],
  ['replaces the whole document', { foo: 'bar' }, [op('replace', '', { value: { baz: 'qux' } })], { baz: 'qux' }],
  ['adds the whole document', { foo: 'bar' }, [op('add', '', { value: { baz: 'qux' } })], { baz: 'qux' }],
  ['tests the whole document', { foo: 1 }, [op('test', '', { value: { foo: 1 } })], { foo: 1 }],
  ['moves to where it is', { foo: 1 }, [op('move', '/foo', { from: '/foo' })], { foo: 1 }],
  ['moves up to the root', { foo: { a: 1 } }, [op('move', '', { from: '/foo' })], { a: 1 }],
  [
    'copies into a list',
    { baz: [{ qux: 'hi' }], bar: 1 },
    [op('copy', '/boo', { from: '/baz/0' })],
    { baz: [{ qux: 'hi' }], bar: 1, boo: { qux: 'hi' } },
  ],
  [
    'what is copied is apart from then on',
    { a: { x: 1 } },
    [op('copy', '/b', { from: '/a' }), op('add', '/b/y', { value: 2 })],
    { a: { x: 1 }, b: { x: 1, y: 2 } },
  ],
  [
    'tests objects whatever their order',
    { foo: { a: 1, b: [2] } },
    [op('test', '/foo', { value: { b: [2], a: 1 } })],
    { foo: { a: 1, b: [2] } },
  ],
  [
    'escapes /',
    { 'a/b': 1, 'm~n': 8 },
    [op('test', '/a~1b', { value: 1 }), op('replace', '/m~0n', { value: 9 })],
    { 'a/b': 1, 'm~n': 9 },
  ],
  ['one after the other', [1, 2, 3], [op('remove', '/0'), op('remove', '/0')], [3]],
  ['replaces by a list', { a: 1 }, [op('replace', '/a', { value: [1, [2]] })], { a: [1, [2]] }],
];

const refused: Case[] = [
  ['A.9 a test that fails', { baz: 'qux' }, [op('test', '/baz', { value: 'bar' })], 'test /baz: the value there is another one'],
  ['A.12 an add below nothing', { foo: 'bar' }, [op('add', '/baz/bat', { value: 'qux' })], 'add /baz: there is no /baz'],
  ['A.15 a string is no number', { '/': 9, '~1': 10 }, [op('test', '/~01', { value: '10' })], 'test /~01: the value'],
  ['an unknown operation', { foo: 1 }, [op('spam', '/foo')], '"op" must be one of'],
  ['an operation that objects inherit', { foo: 1 }, [op('constructor', '/foo')], '"op" must be one of'],
  ['an add past the end', { bar: [1, 2] }, [op('add', '/bar/8', { value: '5' })], '"8" is no place in a list of 2'],
  ['an add before the start', { bar: [1, 2] }, [op('add', '/bar/-1', { value: '5' })], '"-1" is no place'],
  ['an index with a leading zero', { bar: [1, 2] }, [op('test', '/bar/00', { value: 1 })], 'no index'],
  ['a replace with a leading zero', { bar: [1, 2] }, [op('replace', '/bar/01', { value: 1 })], 'no index'],
  ['an index that is none', { bar: [1, 2] }, [op('add', '/bar/1e0', { value: 1 })], 'no place'],
  ['a remove past the end', { bar: [1, 2] }, [op('remove', '/bar/2')], '/bar has 2 items, so there is no /bar/2'],
  ['a remove of -', { bar: [1] }, [op('remove', '/bar/-')], 'no index'],
  ['a remove of nothing', { foo: 1 }, [op('remove', '/baz')], 'remove /baz: there is no /baz'],
  ['a remove of nothing below', { foo: { a: 1 } }, [op('remove', '/foo/b')], 'there is no /foo/b'],
  ['a replace of nothing', { foo: 1 }, [op('replace', '/baz/qux', { value: 1 })], 'there is no /baz'],
  ['a test of nothing', { foo: 1 }, [op('test', '/bar', { value: null })], 'there is no /bar'],
  ['a move from nothing', { foo: 1 }, [op('move', '/a', { from: '/bar' })], 'move /bar: there is no /bar'],
  ['a copy from nothing', { foo: 1 }, [op('copy', '/a', { from: '/bar' })], 'copy /bar: there is no /bar'],
  ['a move into itself', { a: { b: 1 } }, [op('move', '/a/b/c', { from: '/a' })], 'move'],
  ['an add into text', { foo: 'bar' }, [op('add', '/foo/b', { value: 1 })], '/foo has no members'],
  ['a step into null', { foo: null }, [op('replace', '/foo/b', { value: 1 })], '/foo has no members'],
  ['a path without /', { foo: 1 }, [op('replace', 'foo', { value: 1 })], 'no JSON pointer'],
  ['an escape that is none', { 'a~2': 1 }, [op('replace', '/a~2', { value: 1 })], 'no JSON pointer'],
  ['a missing path', { foo: 1 }, [{ op: 'add', value: 1 }], '"path" is missing'],
  ['a path that is a number', { foo: 1 }, [op('add', 1, { value: 1 })], '"path" is missing'],
  ['a null path', { foo: 1 }, [op('add', null, { value: 1 })], '"path" is missing'],
  ['a missing value', { foo: 1 }, [op('add', '/foo')], '"value" is missing'],
  ['a replace without a value', { foo: 1 }, [op('replace', '/foo')], '"value" is missing'],
  ['a test without a value', { foo: null }, [op('test', '/foo')], '"value" is missing'],
  ['a missing from', { foo: 1 }, [op('copy', '/bar')], '"from" is missing'],
  ['a member that objects inherit', { foo: {} }, [op('replace', '/foo/toString', { value: 1 })], 'there is no /foo/toString'],
  ['a prototype', {}, [op('add', '/__proto__/x', { value: 1 })], 'the key "__proto__" cannot be patched'],
  ['a constructor', {}, [op('add', '/constructor/prototype/x', { value: 1 })], 'cannot be patched'],
  ['a removed document', { foo: 1 }, [op('remove', '')], 'the patch leaves nothing'],
  ['an operation that is a list', {}, [[]], 'an operation is an object'],
  ['an operation that is null', {}, [null], 'an operation is an object'],
  ['a patch that is an object', {}, { op: 'add' }, 'a JSON patch is a list'],
  ['a patch that is text', {}, 'add', 'a JSON patch is a list'],
  ['the place in a longer patch', { a: 1 }, [op('test', '/a', { value: 1 }), op('remove', '/b')], 'operation 2: remove /b'],
];

describe('jsonPatch', () => {
  it.each(applied)('%s', (_, document, patch, expected) => {
    const before = JSON.stringify([document, patch]);
    expect(jsonPatch(document, patch)).toEqual(expected);
    expect(JSON.stringify([document, patch])).toBe(before);
  });

  it.each(refused)('refuses %s', (_, document, patch, message) => {
    const before = JSON.stringify([document, patch]);
    expect(() => jsonPatch(document, patch)).toThrow(PatchError);
    expect(() => jsonPatch(document, patch)).toThrow(message);
    expect(JSON.stringify([document, patch])).toBe(before);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('never tells values, which may be secret', () => {
    const secret = { data: { password: 'hunter2' } };
    expect(() => jsonPatch(secret, [op('test', '/data/password', { value: 'hunter3' })])).toThrow(/^(?!.*hunter)/);
  });

  it('bounds how many operations there are', () => {
    const many = (count: number): object[] => Array.from({ length: count }, () => op('add', '/a', { value: 1 }));
    expect(jsonPatch({}, many(maxOperations))).toEqual({ a: 1 });
    expect(() => jsonPatch({}, many(maxOperations + 1))).toThrow(`${maxOperations} are the most`);
  });

  it('names operation and path for programs', () => {
    let thrown: unknown;
    try {
      jsonPatch({ a: {} }, [op('replace', '/a/b', { value: 1 })]);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ operation: 'replace', path: '/a/b' });
  });

  it('sets any member of any object, which a test then finds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (document, key, value) => {
        fc.pre(!['__proto__', 'constructor', 'prototype'].includes(key));
        // Refused where patches are read.
        fc.pre(!JSON.stringify([document, value]).includes('__proto__'));
        const path = formatPointer([key]);
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        const before = JSON.stringify(document);
        const result = jsonPatch(document, [op('add', path, { value: plain }), op('test', path, { value: plain })]);
        expect((result as Record<string, unknown>)[key]).toEqual(plain);
        expect(JSON.stringify(document)).toBe(before);
      }),
    );
  });

  it('reads the pointers that it writes', () => {
    fc.assert(fc.property(fc.array(fc.string()), (keys) => expect(parsePointer(formatPointer(keys))).toEqual(keys)));
  });
});
