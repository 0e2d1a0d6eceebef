// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { chooseVersion, isExactVersion } from './chartVersions.ts';

const available = ['2.0.0-rc.1', '1.10.0', '1.9.3', 'v1.2.3', '0.9.0', 'latest', '1.0.0+build.5'];

describe('chooseVersion', () => {
  it.each([
    ['1.9.3', '1.9.3'],
    ['1.2.3', 'v1.2.3'],
    ['v1.9.3', '1.9.3'],
    ['1.0.0+build.5', '1.0.0+build.5'],
    ['1.0.0+other', undefined],
    ['', '1.10.0'],
    [undefined, '1.10.0'],
    ['*', '1.10.0'],
    ['^1.2', '1.10.0'],
    ['~1.9.0', '1.9.3'],
    ['>=1.0, <1.10', '1.9.3'],
    ['<1 || >=1.9.3 <1.10', '1.9.3'],
    ['1.2 - 1.9', '1.9.3'],
    ['>=1.0.0-0', '2.0.0-rc.1'],
    ['9.x', undefined],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
  ])('of %j takes %j', (wanted, chosen) => {
    expect(chooseVersion(available, wanted)).toBe(chosen);
  });

  it('refuses what is neither a version nor a range', () => {
    expect(() => chooseVersion(available, 'newest')).toThrow('"newest" is neither a version nor a range of versions');
  });
});

it.each([
  ['1.2.3', true],
  ['v1.2.3', true],
  ['1.2', false],
  ['^1.2.3', false],
  ['', false],
  [undefined, false],
])('isExactVersion(%j) is %j', (version, exact) => {
  expect(isExactVersion(version)).toBe(exact);
});
