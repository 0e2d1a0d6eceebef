// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { age, humanDuration, toTable } from './table.ts';

describe('ages', () => {
  it.each([
    [0, '0s'],
    [119, '119s'],
    [125, '2m5s'],
    [600, '10m'],
    [3 * 3600, '3h'],
    [3 * 3600 + 60, '3h1m'],
    [50 * 3600, '2d2h'],
    [10 * 86400, '10d'],
    [800 * 86400, '2y70d'],
    [3000 * 86400, '8y'],
  ])('of %d seconds are %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });

  it('are unknown without a time stamp', () => {
    expect([age(undefined, new Date()), age('x', new Date())]).toEqual(['<unknown>', '<invalid>']);
  });
});

describe('a table', () => {
  const printer = { columns: [{ name: 'Name', type: 'string' as const, format: 'name' }], cells: () => [undefined] };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} };
  const base = { printer, version: 'v1', now: new Date(), metadata: {} };

  it.each([
    ['None' as const, null],
    ['Metadata' as const, { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } }],
    ['Object' as const, object],
  ])('brings along %s of each object', (include, row) => {
    expect(toTable([object], { ...base, include })).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }],
      rows: [{ cells: [null], object: row }],
    });
  });
});
