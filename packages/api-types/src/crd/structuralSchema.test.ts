// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import type * as z from 'zod';
import {
  anyObject,
  boolean,
  bytes,
  dateTime,
  int32,
  int64,
  list,
  listMap,
  map,
  object,
  oneOf,
  quantity,
  string,
} from '../schemas/dsl.ts';
import { jsonSchemaOf, structuralSchemaOf } from './structuralSchema.ts';

const field = (schema: z.ZodType) => structuralSchemaOf(object('Whole.', { field: schema })).properties?.field;

describe('structuralSchemaOf', () => {
  it('says nothing about further fields of an object', () => {
    expect(structuralSchemaOf(object('Whole.', { a: string('Text.'), b: boolean('Switch.').optional() }))).toEqual({
      type: 'object',
      description: 'Whole.',
      properties: { a: { type: 'string', description: 'Text.' }, b: { type: 'boolean', description: 'Switch.' } },
      required: ['a'],
    });
  });

  it.each<[string, z.ZodType, object]>([
    [
      'a string with bounds',
      string('Text.', { min: 1, max: 9, pattern: /^a\/b$/ }),
      { type: 'string', minLength: 1, maxLength: 9, pattern: '^a/b$' },
    ],
    [
      'an enumeration with a default',
      oneOf('Text.', ['A', 'B']).default('A'),
      { type: 'string', enum: ['A', 'B'], default: 'A' },
    ],
    ['a 32-bit integer', int32('Text.', { min: 0 }), { type: 'integer', format: 'int32', minimum: 0, maximum: 2147483647 }],
    ['a 64-bit integer', int64('Text.'), { type: 'integer', format: 'int64' }],
    ['a time', dateTime('Text.'), { type: 'string', format: 'date-time' }],
    ['bytes', bytes('Text.'), { type: 'string', format: 'byte' }],
    ['an object of any content', anyObject('Text.'), { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }],
    [
      'a map',
      map('Text.', string('Value.')),
      { type: 'object', additionalProperties: { type: 'string', description: 'Value.' } },
    ],
    [
      'a quantity',
      quantity('Text.'),
      { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true, pattern: expect.any(String) },
    ],
    [
      'a list with keys',
      list('Text.', object('Item.', { name: string('Name.') }), { max: 3, extensions: listMap('name') }),
      {
        type: 'array',
        maxItems: 3,
        items: {
          type: 'object',
          description: 'Item.',
          properties: { name: { type: 'string', description: 'Name.' } },
          required: ['name'],
        },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
    ],
  ])('%s', (_about, schema, expected) => {
    expect(field(schema)).toEqual({ description: 'Text.', ...expected });
  });

  it('carries rules over to the API server', () => {
    const schema = object(
      'Whole.',
      { a: int32('Number.') },
      { rules: [{ rule: 'self.a > 0', message: 'a must be positive', check: ({ a }) => a > 0, field: 'a' }] },
    );
    expect(structuralSchemaOf(schema)['x-kubernetes-validations']).toEqual([
      { rule: 'self.a > 0', message: 'a must be positive', fieldPath: '.a' },
    ]);
    expect(schema.safeParse({ a: 0 }).error?.issues).toMatchObject([{ path: ['a'], message: 'a must be positive' }]);
  });
});

describe('jsonSchemaOf', () => {
  it('is a JSON Schema of its own', () => {
    expect(jsonSchemaOf(object('Whole.', { a: quantity('Amount.') }))).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      properties: { a: { anyOf: [{ type: 'string' }, { type: 'number' }] } },
    });
  });
});
