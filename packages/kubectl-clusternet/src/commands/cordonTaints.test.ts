// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Taint } from '@clusternet/api-types';
import { cordonOf, cordonTaints, staysThrough } from './cordonTaints.ts';

const now = new Date('2026-01-01T00:00:00.500Z');
const key = 'clusters.clusternet.io/cordoned';
const timeAdded = '2026-01-01T00:00:00Z';
const theirs: Taint = { key: 'maintenance', effect: 'NoExecute' };

describe('cordonTaints', () => {
  it('adds what is wanted and keeps what others set', () => {
    expect(cordonTaints([theirs], 'cordoned', now)).toEqual([theirs, { key, effect: 'NoSchedule', timeAdded }]);
    expect(cordonTaints(undefined, 'drained', now)).toEqual([
      { key, effect: 'NoExecute', timeAdded },
      { key, effect: 'NoSchedule', timeAdded },
    ]);
  });

  it('takes both away', () => {
    const drained = cordonTaints([theirs], 'drained', now);
    expect(cordonTaints(drained, 'none', now)).toEqual([theirs]);
  });

  it('keeps the time at which the cordon came, and changes nothing twice', () => {
    const cordoned: Taint[] = [{ key, effect: 'NoSchedule', timeAdded: '2020-01-01T00:00:00Z' }];
    expect(cordonTaints(cordoned, 'cordoned', now)).toBeUndefined();
    expect(cordonTaints([], 'none', now)).toBeUndefined();
    expect(cordonTaints(cordoned, 'drained', now)?.[1]).toEqual(cordoned[0]);
    expect(cordonOf(cordonTaints(cordoned, 'drained', now))).toBe('drained');
    expect(cordonOf(cordoned)).toBe('cordoned');
    expect(cordonOf([theirs])).toBe('none');
  });

  it('lets a drained cluster be cordoned only', () => {
    const drained = cordonTaints([], 'drained', now);
    expect(cordonTaints(drained, 'cordoned', now)).toEqual([{ key, effect: 'NoSchedule', timeAdded }]);
  });
});

describe('staysThrough', () => {
  it.each([
    [undefined, false],
    [[{ operator: 'Exists' as const }], true],
    [[{ key, operator: 'Exists' as const, effect: 'NoSchedule' as const }], false],
    [[{ key, operator: 'Exists' as const, tolerationSeconds: 10 }], false],
  ])('%j: %s', (tolerations, stays) => {
    expect(staysThrough(tolerations)).toBe(stays);
  });
});
