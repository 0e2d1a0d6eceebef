// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { feedKey } from '@clusternet/api-types';
import { configMap, feedTo, manifest } from '../testing/objects.ts';
import { ManifestIndex } from './manifestIndex.ts';

const keyOf = (name: string): string => feedKey(feedTo(name));

describe('ManifestIndex', () => {
  it('finds the Manifest of exactly this object', () => {
    const index = new ManifestIndex();
    const one = manifest(configMap('a'));
    expect(index.set(one)).toEqual([keyOf('a')]);
    expect(index.find(feedTo('a'))).toBe(one);
    expect(index.find(feedTo('b'))).toBeUndefined();
    expect(index.find({ ...feedTo('a'), namespace: undefined })).toBeUndefined();
    expect(index.find({ ...feedTo('a'), apiVersion: 'v2' })).toBeUndefined();
  });

  it('answers with the oldest of several, and with the next one when that is gone', () => {
    const index = new ManifestIndex();
    index.set(manifest(configMap('a'), { name: 'young', creationTimestamp: '2026-01-02T00:00:00Z' }));
    index.set(manifest(configMap('a'), { name: 'old', creationTimestamp: '2026-01-01T00:00:00Z' }));
    index.set(manifest(configMap('a'), { name: 'also-old', creationTimestamp: '2026-01-01T00:00:00Z' }));
    expect(index.find(feedTo('a'))?.metadata.name).toBe('also-old');
    expect(index.delete('also-old')).toEqual([keyOf('a')]);
    expect(index.find(feedTo('a'))?.metadata.name).toBe('old');
    index.delete('old');
    index.delete('young');
    expect(index.find(feedTo('a'))).toBeUndefined();
  });

  it('tells both keys when a template becomes another object', () => {
    const index = new ManifestIndex();
    index.set(manifest(configMap('a'), { name: 'm' }));
    expect(index.set(manifest(configMap('b'), { name: 'm' }))).toEqual([keyOf('a'), keyOf('b')]);
    expect(index.find(feedTo('a'))).toBeUndefined();
    expect(index.find(feedTo('b'))).toBeDefined();
  });

  it('drops a Manifest that no longer names an object', () => {
    const index = new ManifestIndex();
    index.set(manifest(configMap('a'), { name: 'm' }));
    expect(index.set({ ...manifest(configMap('a'), { name: 'm' }), template: {} } as never)).toEqual([keyOf('a')]);
    expect(index.find(feedTo('a'))).toBeUndefined();
    expect(index.delete('m')).toEqual([]);
  });
});
