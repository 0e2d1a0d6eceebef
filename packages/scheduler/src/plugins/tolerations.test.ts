// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type Toleration } from '@clusternet/api-types';
import { toleratedForMs } from './tolerations.ts';

const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

describe('toleratedForMs', () => {
  it.each<[Toleration, boolean]>([
    [{ key: 'gpu', value: 'yes' }, true],
    [{ key: 'gpu', operator: 'Equal', value: 'no' }, false],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'disk', operator: 'Exists' }, false],
    [{ operator: 'Exists' }, true],
    [{}, false],
  ])('%j, for good: %s', (toleration, expected) => {
    expect(toleratedForMs(taint, [toleration], new Date())).toBe(expected ? Infinity : 0);
  });
});
