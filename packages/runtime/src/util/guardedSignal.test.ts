// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { guardedSignal } from './guardedSignal.ts';

describe('guardedSignal', () => {
  it('follows its parents', () => {
    const parent = new AbortController();
    const signal = guardedSignal([undefined, parent.signal]);
    let heard = false;
    signal.addEventListener('abort', () => (heard = true));
    expect(signal.aborted).toBe(false);
    parent.abort(new Error('why'));
    expect(heard).toBe(true);
    expect(signal.reason).toEqual(new Error('why'));
  });

  it('is aborted from the start under an aborted parent', () => {
    expect(guardedSignal([AbortSignal.abort(new Error('before'))]).reason).toEqual(new Error('before'));
  });

  it('tells the truth to whoever looks, before any timer had a turn', () => {
    let overdue = false;
    const guarded = guardedSignal([], () => (overdue ? new Error('overdue') : undefined));
    const child = guardedSignal([guarded]);
    expect(child.aborted).toBe(false);
    overdue = true;
    expect(() => child.throwIfAborted()).toThrow('overdue');
    expect(guarded.aborted).toBe(true);
  });

  it('is believed by AbortSignal.any and by fetch', async () => {
    const guarded = guardedSignal([], () => new Error('overdue'));
    expect(AbortSignal.any([guarded]).aborted).toBe(true);
    await expect(fetch('http://127.0.0.1:1/', { signal: guarded })).rejects.toThrow('overdue');
  });
});
