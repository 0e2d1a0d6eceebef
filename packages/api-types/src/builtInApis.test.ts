// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { isBuiltInApi } from './builtInApis.ts';

describe('isBuiltInApi', () => {
  it.each([
    ['v1', true],
    ['apps/v1', true],
    ['batch/v1beta1', true],
    ['storage.k8s.io/v1', true],
    ['rbac.authorization.k8s.io/v1', true],
    ['snapshot.storage.k8s.io/v1', false],
    ['gateway.networking.k8s.io/v1', false],
    ['metrics.k8s.io/v1beta1', false],
    ['cluster.x-k8s.io/v1beta1', false],
    ['example.com/v1', false],
  ])('%s: %s', (apiVersion, expected) => expect(isBuiltInApi(apiVersion)).toBe(expected));
});
