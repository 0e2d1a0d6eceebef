// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { Buffer } from 'node:buffer';
import { type KubeObject, labels } from '@clusternet/api-types';
import { configMap, feedTo, manifest } from '../testing/objects.ts';
import { encodeManifest, feedOfManifest, feedOfRaw } from './encodeManifest.ts';

const decode = (raw: string | undefined): unknown => JSON.parse(Buffer.from(raw ?? '', 'base64').toString('utf8'));

const origin = {
  [labels.configGroup]: 'apps',
  [labels.configVersion]: 'v1',
  [labels.configKind]: 'Deployment',
  [labels.configNamespace]: 'shop',
  [labels.configName]: 'web',
};

describe('encodeManifest', () => {
  it('drops what an API server sets and keeps what the user said', () => {
    const template: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'shop',
        labels: { a: '1' },
        finalizers: ['example.com/wait'],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', keep: 'me' },
        uid: 'u',
        resourceVersion: '7',
        generation: 3,
        creationTimestamp: '2026-01-01T00:00:00Z',
        deletionTimestamp: '2026-01-01T00:00:00Z',
        deletionGracePeriodSeconds: 30,
        managedFields: [{ manager: 'kubectl' }],
        ...{ selfLink: '/x' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }],
      },
      spec: { replicas: 3 },
      status: { replicas: 3 },
    };
    const { feed, raw } = encodeManifest(manifest(template)) ?? {};
    expect(feed).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' });
    expect(decode(raw)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'shop',
        labels: { a: '1' },
        finalizers: ['example.com/wait'],
        annotations: { keep: 'me' },
      },
      spec: { replicas: 3 },
    });
    expect(template.metadata.uid).toBe('u');
  });

  it('leaves no empty annotations behind', () => {
    const template = configMap('a');
    template.metadata.annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    expect(decode(encodeManifest(manifest(template))?.raw)).toEqual(configMap('a'));
  });

  it('keeps every character', () => {
    const template = configMap('a', { text: 'ž 漢 🚀 \u0000 "\\' });
    expect(decode(encodeManifest(manifest(template))?.raw)).toEqual(template);
  });

  it('completes an object that does not name itself from the labels', () => {
    const raw = encodeManifest(manifest({ spec: {}, metadata: {} } as unknown as KubeObject, { labels: origin }))?.raw;
    expect(decode(raw)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {},
    });
  });
});

describe('feedOfManifest', () => {
  it('takes the template of a Manifest made by hand, whatever its name', () => {
    expect(feedOfManifest(manifest(configMap('a'), { name: 'mine' }))).toEqual(feedTo('a'));
  });

  it('takes the template where the labels say something else', () => {
    expect(feedOfManifest(manifest(configMap('a'), { labels: origin }))).toEqual(feedTo('a'));
  });

  it('does not put a cluster-scoped object into a namespace', () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
    const feed = { apiVersion: 'v1', kind: 'Namespace', name: 'shop' };
    expect(feedOfManifest(manifest(namespace, { labels: { [labels.configNamespace]: '' } }))).toEqual(feed);
    expect(feedOfManifest(manifest(namespace, { labels: { [labels.configNamespace]: 'x' } }))).toEqual(feed);
  });

  it('takes the core group from an empty label', () => {
    const config = { ...origin, [labels.configGroup]: '', [labels.configKind]: 'ConfigMap', [labels.configName]: 'a' };
    expect(feedOfManifest(manifest({ metadata: {} } as unknown as KubeObject, { labels: config }))).toEqual(feedTo('a'));
  });

  it('is undefined for what names no object', () => {
    const nameless = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '' } };
    expect(feedOfManifest(manifest(nameless, { name: 'm' }))).toBeUndefined();
    expect(encodeManifest(manifest(nameless, { name: 'm' }))).toBeUndefined();
    expect(feedOfManifest({ ...manifest(nameless), template: undefined } as never)).toBeUndefined();
  });
});

describe('feedOfRaw', () => {
  it('reads back what was encoded', () => {
    expect(feedOfRaw(encodeManifest(manifest(configMap('a')))?.raw ?? '')).toEqual(feedTo('a'));
  });

  it.each(['', 'not base64 of JSON', Buffer.from('null').toString('base64'), Buffer.from('{}').toString('base64')])(
    'is undefined for %j',
    (raw) => expect(feedOfRaw(raw)).toBeUndefined(),
  );
});
