// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { addressRanges } from './components.ts';

describe('addressRanges', () => {
  it('gives each of many clusters ranges of its own', () => {
    const ranges = Array.from({ length: 32 }, (_, index) => addressRanges(index));
    expect(new Set(ranges.map(({ pods }) => pods)).size).toBe(32);
    expect(new Set(ranges.map(({ services }) => services)).size).toBe(32);
    expect(addressRanges(17)).toEqual({ pods: '10.17.0.0/16', services: '198.19.16.0/20' });
  });
});
