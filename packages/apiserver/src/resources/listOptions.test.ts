// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { parseListQuery } from './listOptions.ts';
import { representation } from './representation.ts';

describe('the options of a list', () => {
  it('have defaults', () => {
    expect(parseListQuery('')).toMatchObject({ watch: false, limit: 0, resourceVersion: '', sendInitialEvents: undefined });
    expect(parseListQuery('watch&limit=5&sendInitialEvents=true&resourceVersionMatch=NotOlderThan')).toMatchObject({
      watch: true,
      limit: 5,
      sendInitialEvents: true,
    });
  });

  it.each([
    ['limit=x', 400],
    ['limit=-1', 422],
    ['resourceVersion=x', 400],
    ['resourceVersionMatch=Exact', 422],
    ['resourceVersionMatch=Other&resourceVersion=1', 422],
    ['resourceVersionMatch=Exact&resourceVersion=0', 422],
    ['resourceVersionMatch=Exact&resourceVersion=1&continue=x', 422],
    ['sendInitialEvents=true', 422],
    ['watch=1&sendInitialEvents=true', 422],
    ['watch=1&resourceVersionMatch=NotOlderThan', 422],
  ])('%s is refused with %d', (query, code) => {
    expect(() => parseListQuery(query)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the form of an answer', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

  it.each([
    [undefined, { as: 'object' }],
    ['application/vnd.kubernetes.protobuf,application/json', { as: 'object' }],
    [table, { as: 'table', version: 'v1', include: 'Metadata' }],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', { as: 'object' }],
    [
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
      { as: 'metadata', version: 'v1' },
    ],
  ])('for %s', (accept, form) => {
    expect(representation(accept, '')).toEqual(form);
  });

  it('is refused when there is none that the client takes', () => {
    expect(() => representation('text/html', '')).toThrow(expect.objectContaining({ code: 406 }));
    expect(() => representation(table, 'includeObject=All')).toThrow('unrecognized includeObject value: "All"');
  });
});
