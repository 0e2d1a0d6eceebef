// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { type SyncMode } from '@clusternet/api-types';
import { whoDeploys } from './responsibility.ts';

describe('whoDeploys', () => {
  it.each<[SyncMode, boolean | undefined, ReturnType<typeof whoDeploys>]>([
    ['Push', true, 'parent'],
    ['Push', false, 'nobody'],
    ['Push', undefined, undefined],
    ['Pull', true, 'agent'],
    ['Pull', false, 'agent'],
    ['Pull', undefined, 'agent'],
    ['Dual', true, 'parent'],
    ['Dual', false, 'agent'],
    ['Dual', undefined, undefined],
  ])('%s with appPusher %s: %s', (syncMode, appPusher, expected) => {
    expect(whoDeploys({ spec: { clusterId: 'id', syncMode }, status: { appPusher } })).toBe(expected);
  });
});
