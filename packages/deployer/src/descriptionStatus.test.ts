// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { boundStatus } from './boundStatus.ts';
import { buildStatus, type ObjectView, statusChange, type StatusInput } from './descriptionStatus.ts';

const view = (name: string, o: Partial<ObjectView> = {}): ObjectView => ({
  feed: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name },
  done: true,
  ...o,
});
const error = (message: string): ObjectView['error'] => ({ reason: 'Invalid', message, since: '2026-01-01T00:00:00Z' });
const input = (o: Partial<StatusInput> = {}): StatusInput => ({
  description: {
    apiVersion: 'a',
    kind: 'Description',
    metadata: { name: 'd', generation: 4 },
    spec: { deployer: 'Generic' },
  },
  previous: undefined,
  objects: [view('a'), view('b')],
  invalid: [],
  leaving: [],
  outage: undefined,
  contested: [],
  now: new Date('2026-02-01T00:00:00Z'),
  ...o,
});
const conditions = (status: ReturnType<typeof buildStatus>): Record<string, string> =>
  Object.fromEntries((status.conditions ?? []).map((c) => [c.type, c.status]));

describe('buildStatus', () => {
  it('confirms the generation when all is applied', () => {
    const status = buildStatus(input());
    expect(status).toMatchObject({ phase: 'Success', reason: '', observedGeneration: 4 });
    expect(conditions(status)).toEqual({ Applied: 'True', Reachable: 'True' });
  });

  it('does not confirm while an object failed, names it, and keeps the others', () => {
    const status = buildStatus(
      input({ objects: [view('a', { status: { x: 1 } }), view('b', { done: false, error: error('ConfigMap n/b: no') })] }),
    );
    expect(status).toMatchObject({ phase: 'Failure', reason: 'ConfigMap n/b: no' });
    expect(status.observedGeneration).toBeUndefined();
    expect(status.manifestStatuses).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'a', observedStatus: { x: 1 } },
      { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'b', error: error('ConfigMap n/b: no') },
    ]);
  });

  it('does not confirm while a removed object is still there, without calling that a failure', () => {
    const status = buildStatus(
      input({ previous: { phase: 'Success', observedGeneration: 3 }, leaving: [view('z', { done: false })] }),
    );
    expect(status).toMatchObject({ phase: 'Success', observedGeneration: 3 });
  });

  it('keeps phase and reason while the child does not answer', () => {
    const outage = { reason: 'Unreachable', message: 'gone', since: new Date(0) };
    const status = buildStatus(input({ outage, previous: { phase: 'Success', reason: '', observedGeneration: 4 } }));
    expect(status).toMatchObject({ phase: 'Success', reason: '', observedGeneration: 4 });
    expect(conditions(status)).toEqual({ Reachable: 'False' });
  });

  it('keeps the time of a condition that stays as it is', () => {
    const first = buildStatus(input());
    const second = buildStatus(input({ previous: first, now: new Date('2026-03-01T00:00:00Z') }));
    expect(statusChange(first, second)).toBe('none');
  });

  it('bounds the reason however many objects failed', () => {
    const objects = Array.from({ length: 500 }, (_, i) =>
      view(`o${i}`, { done: false, error: error(`o${i} ${'x'.repeat(200)}`) }),
    );
    expect(buildStatus(input({ objects })).reason?.length).toBeLessThanOrEqual(2_000);
  });

  it('bounds the sum of all live statuses', () => {
    const objects = Array.from({ length: 1_000 }, (_, i) => view(`o${i}`, { status: { text: 'x'.repeat(10_000) } }));
    expect(JSON.stringify(buildStatus(input({ objects })).manifestStatuses).length).toBeLessThan(500_000);
  });
});

describe('statusChange', () => {
  const base = buildStatus(input());

  it('finds live statuses and confirmations less urgent than outcomes', () => {
    expect(statusChange(undefined, base)).toBe('now');
    expect(
      statusChange(base, buildStatus(input({ previous: base, objects: [view('a', { status: { n: 1 } }), view('b')] }))),
    ).toBe('later');
    expect(statusChange(base, { ...base, observedGeneration: 5 })).toBe('later');
    expect(statusChange(base, { ...base, phase: 'Failure' })).toBe('now');
  });

  it('does not look at the conditions of others', () => {
    const rendered = {
      type: 'Rendered',
      status: 'True' as const,
      reason: 'X',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    expect(statusChange({ ...base, conditions: [rendered, ...(base.conditions ?? [])] }, base)).toBe('none');
  });
});

describe('boundStatus', () => {
  it('leaves a small status as it is', () => {
    const status = { replicas: 1, conditions: [{ type: 'Available' }] };
    expect(boundStatus(status)).toBe(status);
  });

  it('keeps the plain values of one that is far too large', () => {
    const big = { phase: 'Running', list: Array.from({ length: 5_000 }, (_, i) => ({ [`k${i}`]: 'v'.repeat(500) })) };
    const bound = boundStatus(big, 1_000);
    expect(bound).toMatchObject({ phase: 'Running' });
    expect(JSON.stringify(bound).length).toBeLessThanOrEqual(1_000);
  });

  it.each([undefined, null, 'text', [1]])('takes %p for none', (status) => {
    expect(boundStatus(status)).toBeUndefined();
  });
});
