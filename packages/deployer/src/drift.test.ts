// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type KubeObject } from '@clusternet/api-types';
import fc from 'fast-check';
import { containsDesired } from './drift.ts';

const of = (spec: unknown, metadata = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'x', ...metadata },
  spec,
});
const holds = (live: unknown, desired: unknown): boolean => containsDesired(of(live), of(desired));

describe('containsDesired', () => {
  it('ignores what only the live object has', () => {
    expect(
      holds(
        { a: 1, extra: true, list: [{ name: 'a', image: 'x', policy: 'Always' }] },
        { a: 1, list: [{ name: 'a', image: 'x' }] },
      ),
    ).toBe(true);
  });

  it('leaves replicas to an autoscaler when the rendering names none', () => {
    expect(holds({ replicas: 7, paused: false }, { paused: false })).toBe(true);
  });

  it.each([
    ['a changed value', { a: 2 }, { a: 1 }],
    ['a missing value', {}, { a: 1 }],
    ['a shorter list', { l: ['x'] }, { l: ['x', 'y'] }],
    ['a longer atomic list', { args: ['x', 'y'] }, { args: ['x'] }],
    ['a reordered atomic list', { args: ['y', 'x'] }, { args: ['x', 'y'] }],
    ['a changed item of a keyed list', { c: [{ name: 'a', image: 'old' }] }, { c: [{ name: 'a', image: 'new' }] }],
    ['another type', { a: '1' }, { a: 1 }],
    ['a value under a key of Object.prototype', {}, { constructor: 'x' }],
  ])('sees %s', (_, live, desired) => {
    expect(holds(live, desired)).toBe(false);
  });

  it('accepts injected and reordered items of keyed lists', () => {
    const live = { containers: [{ name: 'proxy' }, { name: 'b' }, { name: 'a', image: 'x' }] };
    expect(holds(live, { containers: [{ name: 'a', image: 'x' }, { name: 'b' }] })).toBe(true);
  });

  it.each([
    ['1000m', '1'],
    [2, '2'],
    ['1024Mi', '1Gi'],
    ['0.5', '500m'],
  ])('takes the quantities %p and %p for one', (a, b) => {
    expect(holds({ resources: { limits: { cpu: b } } }, { resources: { limits: { cpu: a } } })).toBe(true);
  });

  it('does not take texts for quantities elsewhere', () => {
    expect(holds({ version: '1' }, { version: '1000m' })).toBe(false);
  });

  it('takes absent and empty for one', () => {
    expect(holds({}, { labels: {}, list: [], nothing: null, text: '', flag: false, number: 0 })).toBe(true);
  });

  it('accepts finalizers of others', () => {
    expect(containsDesired(of({}, { finalizers: ['theirs', 'ours'] }), of({}, { finalizers: ['ours'] }))).toBe(true);
  });

  it('holds for every object and itself, and for itself with more fields', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, extra) => {
        expect(holds({ value }, { value })).toBe(true);
        expect(holds({ value, extra }, { value })).toBe(true);
      }),
    );
  });
});
