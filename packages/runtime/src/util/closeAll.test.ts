// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { closeAll, Stack } from './closeAll.ts';

describe('closeAll', () => {
  it('closes the latest first and goes on after a failure', async () => {
    const closed: string[] = [];
    const part = (name: string, fails = false) => ({
      close: async () => {
        closed.push(name);
        if (fails) throw new Error(`${name} failed`);
      },
    });
    await expect(closeAll(part('a'), part('b', true), undefined, part('c'))).rejects.toThrow('b failed');
    expect(closed).toEqual(['c', 'b', 'a']);
  });

  it('reports all failures', async () => {
    const fail = { close: () => Promise.reject(new Error('x')) };
    await expect(closeAll(fail, fail)).rejects.toBeInstanceOf(AggregateError);
  });
});

describe('Stack', () => {
  it('closes each part once', async () => {
    const closed: string[] = [];
    const stack = new Stack();
    stack.use(() => void closed.push('first'));
    stack.use({ close: () => void closed.push('second') });
    await stack.close();
    await stack.close();
    expect(closed).toEqual(['second', 'first']);
  });
});
