// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { splitArguments } from '../../arguments.ts';
import { isRollout } from './isRollout.ts';

describe('rollout of a Subscription', () => {
  it.each([
    'rollout undo app',
    'rollout undo app --to-revision 3 -n shop --cluster eu-1',
    'rollout history subscription/app',
    'rollout status sub/app',
    'rollout -n shop pause app',
    'rollout diff app',
    'rollout approve app',
    'rollout',
    'rollout --help',
    'rollout -n shop -h',
    'rollout undo --help',
    'rollout undo app --help',
  ])('%s', (line) => {
    expect(isRollout(splitArguments(line.split(' ')))).toBe(true);
  });
});

describe('rollout of a workload, which is kubectl', () => {
  it.each([
    'rollout undo deployment/web',
    'rollout undo deployment web',
    'rollout status deploy/web -n shop',
    'rollout restart deployment',
    'rollout pause -f web.yaml',
    'rollout restart --help',
    'rollout undo deployment/web --help',
    'rollout history deployments.apps/web --revision 2',
    'get app',
  ])('%s', (line) => {
    expect(isRollout(splitArguments(line.split(' ')))).toBe(false);
  });
});
