// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Condition, type Taint, taints } from '@clusternet/api-types';
import { nextTaints } from './taints.ts';

const own = (value: string): Taint => ({ key: taints.unschedulable, value, effect: 'NoSchedule' });
const ready = (status: 'True' | 'False', reason: string): Condition => ({
  type: 'Ready',
  status,
  reason,
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

describe('nextTaints', () => {
  it('changes nothing for a ready cluster, or one that has not reported', () => {
    expect(nextTaints(undefined, ready('True', 'Ok'))).toBeUndefined();
    expect(nextTaints([{ key: 'x', effect: 'NoSchedule' }], undefined)).toBeUndefined();
    expect(nextTaints([own('Why')], ready('False', 'Why'))).toBeUndefined();
  });

  it('removes all of its own at once, also doubled ones', () => {
    expect(nextTaints([own('A'), { key: 'x', effect: 'NoSchedule' }, own('B')], ready('True', 'Ok'))).toEqual([
      { key: 'x', effect: 'NoSchedule' },
    ]);
    expect(nextTaints([own('A'), own('B')], ready('False', 'B'))).toEqual([own('B')]);
  });

  it('keeps the same key with another effect: that one is not its own', () => {
    const theirs: Taint = { key: taints.unschedulable, effect: 'NoExecute' };
    expect(nextTaints([theirs, own('A')], ready('True', 'Ok'))).toEqual([theirs]);
  });
});
