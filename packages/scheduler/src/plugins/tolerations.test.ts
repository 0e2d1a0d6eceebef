// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Toleration } from '@clusternet/api-types';
import { tolerates } from './tolerations.ts';

const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

describe('tolerates', () => {
  it.each<[Toleration, boolean]>([
    [{ key: 'gpu', value: 'yes' }, true],
    [{ key: 'gpu', operator: 'Equal', value: 'no' }, false],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'disk', operator: 'Exists' }, false],
    [{ operator: 'Exists' }, true],
    [{}, false],
  ])('%j: %s', (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });
});
