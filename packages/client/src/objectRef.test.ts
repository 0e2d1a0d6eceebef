// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { objectKey, parseKey } from './objectRef.ts';

describe('objectKey', () => {
  it.each([
    [{ name: 'a', namespace: 'b' }, 'b/a'],
    [{ name: 'a' }, 'a'],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'b' } }, 'b/a'],
  ])('%# is %s', (object, key) => {
    expect(objectKey(object)).toBe(key);
  });

  it.each([{ name: 'a', namespace: 'b' }, { name: 'a.b' }])('is read back by parseKey: %s', (ref) => {
    expect(parseKey(objectKey(ref))).toEqual(ref);
  });
});
