// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type JsonObject } from './json.ts';
import { mergePatch, mergeValues } from './mergePatch.ts';

/** The test cases of RFC 7396, appendix A, and what is said in its section 3. */
const cases: [target: unknown, patch: unknown, expected: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [
    { title: 'Goodbye!', author: { givenName: 'John', familyName: 'Doe' }, tags: ['example', 'sample'], content: 'This' },
    { title: 'Hello!', phoneNumber: '+01', author: { familyName: null }, tags: ['example'] },
    { title: 'Hello!', author: { givenName: 'John' }, tags: ['example'], content: 'This', phoneNumber: '+01' },
  ],
];

describe('mergePatch', () => {
  it.each(cases)('%j with %j', (target, patch, expected) => {
    const before = JSON.stringify([target, patch]);
    expect(mergePatch(target, patch)).toEqual(expected);
    expect(JSON.stringify([target, patch])).toBe(before);
  });

  it('takes __proto__ for a name like any other', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"x":1}}')) as JsonObject;
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"x":1}}');
    expect(({} as JsonObject)['x']).toBeUndefined();
  });

  it('changes neither argument, and a second time changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = mergePatch(target, patch);
        expect(JSON.stringify(mergePatch(once, patch))).toBe(JSON.stringify(once));
        expect(JSON.stringify([target, patch])).toBe(before);
      }),
    );
  });
});

describe('mergeValues', () => {
  const values = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(fc.integer(), fc.dictionary(fc.constantFrom('x', 'y'), fc.integer())),
  );

  it('is the same however three lists of values are grouped, while none takes anything back', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        // Tables that meet scalars depend on the order by design.
        const tables = [a, b, c].map((one) =>
          Object.fromEntries(Object.entries(one).filter(([, value]) => typeof value === 'object')),
        );
        const [x = {}, y = {}, z = {}] = tables;
        expect(mergeValues(mergeValues(x, y), z)).toEqual(mergeValues(x, mergeValues(y, z)));
      }),
    );
  });

  it('holds all that the later one says', () => {
    fc.assert(fc.property(values, values, (a, b) => expect(mergeValues(a, b)).toMatchObject(b)));
  });
});
