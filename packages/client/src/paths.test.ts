// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { core } from './core.ts';
import { resourceOfPath, resourcePath, withQuery } from './paths.ts';

describe('resourcePath', () => {
  it.each([
    [core.pods, {}, '/api/v1/pods'],
    [core.pods, { namespace: 'a' }, '/api/v1/namespaces/a/pods'],
    [core.deployments, { namespace: 'a', name: 'b', subresource: 'status' }, '/apis/apps/v1/namespaces/a/deployments/b/status'],
    [core.namespaces, { name: 'a' }, '/api/v1/namespaces/a'],
    [
      core.clusterRoles,
      { namespace: 'ignored', name: 'system:node' },
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
    ],
  ])('%# builds %s', (definition, o, path) => {
    expect(resourcePath(definition, o)).toBe(path);
  });

  it('keeps names in their place', () => {
    expect(resourcePath(core.pods, { namespace: 'a', name: 'x/../../secrets?b#c' })).toBe(
      '/api/v1/namespaces/a/pods/x%2F..%2F..%2Fsecrets%3Fb%23c',
    );
    expect(() => resourcePath(core.pods, { namespace: 'a', name: '..' })).toThrow(TypeError);
    expect(() => resourcePath(core.pods, { namespace: 'a', name: '' })).toThrow(TypeError);
  });
});

describe('withQuery', () => {
  it('leaves out what is undefined and escapes the rest', () => {
    expect(withQuery('/a', { labelSelector: 'a in (b,c)', limit: 0, watch: false, continue: undefined })).toBe(
      '/a?labelSelector=a%20in%20(b%2Cc)&limit=0&watch=false',
    );
    expect(withQuery('/a', {})).toBe('/a');
  });
});

describe('resourceOfPath', () => {
  it.each([
    ['/api/v1/namespaces/a/pods/b', 'pods'],
    ['/api/v1/namespaces/a/pods/b/status?x=/y', 'pods/status'],
    ['/api/v1/pods', 'pods'],
    ['/api/v1/namespaces/a', 'namespaces'],
    ['/api/v1/namespaces/a/status', 'namespaces/status'],
    ['/apis/apps/v1/namespaces/a/deployments', 'deployments'],
    ['/apis/apps/v1', 'none'],
    ['/healthz', 'none'],
  ])('%s is about %s', (path, resource) => {
    expect(resourceOfPath(path)).toBe(resource);
  });
});
