// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { findCondition, setCondition } from './conditions.ts';

const first = new Date('2026-01-01T00:00:00.123Z');
const later = new Date('2026-01-01T01:00:00Z');
const ready = { type: 'Ready', status: 'True' as const, reason: 'Fine', message: 'all is well' };

describe('setCondition', () => {
  it('adds a condition with its transition time', () => {
    const { conditions, changed } = setCondition(undefined, ready, first);
    expect(changed).toBe(true);
    expect(conditions).toEqual([{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }]);
  });

  it('gives the same list back when nothing changed', () => {
    const { conditions } = setCondition(undefined, ready, first);
    const again = setCondition(conditions, ready, later);
    expect(again).toEqual({ conditions, changed: false });
    expect(again.conditions).toBe(conditions);
  });

  it('keeps the transition time while only the reason changes', () => {
    const { conditions } = setCondition(undefined, ready, first);
    const next = setCondition(conditions, { ...ready, reason: 'StillFine' }, later);
    expect(next.changed).toBe(true);
    expect(next.conditions[0]).toMatchObject({ reason: 'StillFine', lastTransitionTime: '2026-01-01T00:00:00Z' });
  });

  it('moves the transition time with the status and leaves the other conditions in place', () => {
    const other = setCondition(undefined, { ...ready, type: 'Other' }, first).conditions;
    const { conditions } = setCondition(other, ready, first);
    const next = setCondition(conditions, { ...ready, status: 'False' }, later);
    expect(next.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
      ['Other', '2026-01-01T00:00:00Z'],
      ['Ready', '2026-01-01T01:00:00Z'],
    ]);
    expect(conditions).toHaveLength(2);
    expect(findCondition(conditions, 'Ready')?.status).toBe('True');
  });

  it('sees a new observed generation', () => {
    const { conditions } = setCondition(undefined, { ...ready, observedGeneration: 1 }, first);
    expect(setCondition(conditions, { ...ready, observedGeneration: 2 }, later).changed).toBe(true);
  });
});
