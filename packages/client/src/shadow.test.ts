// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { rewriteForShadow } from './shadow.ts';

describe('rewriteForShadow', () => {
  it.each([
    ['/api/v1/namespaces/shop/configmaps', '/apis/shadow/v1alpha1/namespaces/shop/configmaps'],
    ['/api/v1/namespaces', '/apis/shadow/v1alpha1/namespaces'],
    ['/apis/apps/v1/namespaces/shop/deployments/web/scale', '/apis/shadow/v1alpha1/namespaces/shop/deployments/web/scale'],
    ['/apis/example.com/v1beta1/promotions', '/apis/shadow/v1alpha1/promotions'],
    ['/apis/clusternet.io/v1/things', '/apis/shadow/v1alpha1/things'],
    ['/apis/notclusternet.io/v1/things', '/apis/shadow/v1alpha1/things'],
    [
      '/api/v1/pods?watch=true&fieldSelector=metadata.name%3Dweb',
      '/apis/shadow/v1alpha1/pods?watch=true&fieldSelector=metadata.name%3Dweb',
    ],
    ['//api/v1//pods', '/apis/shadow/v1alpha1/pods'],
  ])('%s becomes %s', (path, shadow) => {
    expect(rewriteForShadow(path)).toBe(shadow);
    expect(rewriteForShadow(`/k8s/clusters/c-1${path}`, '/k8s/clusters/c-1/')).toBe(`/k8s/clusters/c-1${shadow}`);
  });

  it.each([
    '/api',
    '/apis',
    '/api/v1',
    '/api/v1/',
    '/apis/apps/v1',
    '/apis/apps/v1?timeout=32s',
    '/apis/apps/latest/deployments',
    '/version',
    '/openapi/v3/apis/apps/v1',
    '/apis/apps.clusternet.io/v1alpha1/namespaces/default/subscriptions',
    '/apis/a.b.clusternet.io/v1/things',
    '/apis/shadow/v1alpha1/pods',
    '/api/v2/pods',
  ])('%s stays', (path) => {
    expect(rewriteForShadow(path)).toBe(path);
  });

  it('does not take the start of a word for the path of the server', () => {
    expect(rewriteForShadow('/apis/apps/v1/deployments', '/api')).toBe('/apis/shadow/v1alpha1/deployments');
  });
});
