// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { feedKey, feedOf, manifestName } from './feed.ts';

describe('feedKey', () => {
  it.each([
    ['apps/v1/Deployment/t1/d', { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 't1', name: 'd' }],
    ['v1/Namespace/t1', { apiVersion: 'v1', kind: 'Namespace', name: 't1' }],
    ['v1/Namespace/t1', { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: 't1' }],
  ])('%s', (key, feed) => {
    expect(feedKey(feed)).toBe(key);
  });
});

describe('feedOf', () => {
  it('names the object', () => {
    const metadata = { name: 'd', namespace: 't1', uid: 'u' };
    const expected = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 't1', name: 'd' };
    expect(feedOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: {} })).toEqual(expected);
  });

  it('leaves the namespace out for cluster-scoped objects', () => {
    const feed = feedOf({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 't1', namespace: '' } });
    expect(feed).toEqual({ apiVersion: 'v1', kind: 'Namespace', name: 't1' });
  });
});

describe('manifestName', () => {
  it('is plural, namespace and name', () => {
    expect(manifestName('configmaps', { namespace: 't1', name: 'a' })).toBe('configmaps.t1.a');
    expect(manifestName('namespaces', { name: 't1' })).toBe('namespaces.t1');
  });

  it.each([
    ['odd characters', 'system:controller:node'],
    ['capitals', 'Admin'],
    ['a dot before a dash', 'a.-b'],
    ['two dots', 'a..b'],
    ['a dot at the end', 'a.'],
    ['great length', 'x'.repeat(253)],
    ['nothing but odd characters', ':::'],
  ])('is a valid and unique object name for names with %s', (_about, name) => {
    const result = manifestName('clusterroles', { name });
    expect(result).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(result.length).toBeLessThanOrEqual(253);
    expect(result).not.toBe(manifestName('clusterroles', { name: `${name}:` }));
  });
});
