// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Taint, taints } from '@clusternet/api-types';
import { nextTaints } from './taints.ts';

const own = (value: string): Taint => ({ key: taints.unschedulable, value, effect: 'NoSchedule' });
const theirs: Taint = { key: 'x', effect: 'NoSchedule' };
const init: Taint = { key: taints.initialization, value: 'Waiting', effect: 'NoSchedule' };

describe('nextTaints', () => {
  it('changes nothing where everything is as wanted', () => {
    expect(nextTaints(undefined, [])).toBeUndefined();
    expect(nextTaints([theirs], [])).toBeUndefined();
    expect(nextTaints([own('Why'), theirs], [own('Why')])).toBeUndefined();
  });

  it('removes all of its own at once, also doubled ones and ones of several kinds', () => {
    expect(nextTaints([own('A'), theirs, init, own('B')], [])).toEqual([theirs]);
    expect(nextTaints([own('A'), own('A')], [own('A')])).toEqual([own('A')]);
  });

  it('adds, and follows the reason', () => {
    expect(nextTaints([theirs], [own('A'), init])).toEqual([theirs, own('A'), init]);
    expect(nextTaints([own('A'), theirs], [own('B')])).toEqual([own('B'), theirs]);
  });

  it('keeps the time at which one of its own came, also when its reason changes', () => {
    const since: Taint = { key: taints.unreachable, value: 'A', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' };
    const later: Taint = { ...since, timeAdded: '2026-01-02T00:00:00Z' };
    expect(nextTaints([since], [later])).toBeUndefined();
    expect(nextTaints([since], [{ ...later, value: 'B' }])).toEqual([{ ...since, value: 'B' }]);
  });

  it('keeps the same key with another effect, and what people set to cordon a cluster', () => {
    const others: Taint[] = [
      { key: taints.unschedulable, effect: 'NoExecute' },
      { key: taints.cordoned, effect: 'NoSchedule' },
    ];
    expect(nextTaints([...others, own('A')], [])).toEqual(others);
  });
});
