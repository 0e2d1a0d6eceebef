// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { annotations, createdBy, type KubeObject, labels } from '@clusternet/api-types';
import fc from 'fast-check';
import { hashObject } from './hash.ts';
import { toApply, trimObject } from './prepare.ts';

const owner = { namespace: 'ns', name: 'app.v2-x2x4z-generic' };

describe('trimObject', () => {
  it('drops what API servers set, status, owners in another cluster and annotations of deployers', () => {
    const trimmed = trimObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'u',
        resourceVersion: '1',
        generation: 3,
        creationTimestamp: '2026-01-01T00:00:00Z',
        deletionTimestamp: '2026-01-01T00:00:00Z',
        managedFields: [],
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }],
        finalizers: ['keep/me'],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', [annotations.appliedHash]: 'h' },
        labels: { app: 'web' },
      },
      spec: { replicas: 1 },
      status: { replicas: 1 },
    });
    expect(trimmed).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', finalizers: ['keep/me'], labels: { app: 'web' } },
      spec: { replicas: 1 },
    });
  });

  it("turns a Secret's stringData, which can only be written, into data", () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { a: 'eA==' }, stringData: { b: 'y' } };
    expect(trimObject(secret)).toMatchObject({ data: { a: 'eA==', b: 'eQ==' } });
    expect(trimObject(secret)).not.toHaveProperty('stringData');
  });
});

describe('toApply', () => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', labels: { [labels.createdBy]: 'me' } },
  };

  it('names the owner, also when its name holds dots, and keeps no copy of the object in an annotation', () => {
    const body = toApply(object, { owner, hash: 'h', adopted: false });
    expect(body.metadata.annotations).toEqual({
      [annotations.ownedByDescription]: 'ns.app.v2-x2x4z-generic',
      [annotations.appliedHash]: 'h',
    });
    expect(body.metadata.labels).toEqual({ [labels.createdBy]: createdBy.hub });
  });

  it('says that an object was adopted, and names the UID it is meant for', () => {
    const { metadata } = toApply(object, { owner, hash: 'h', adopted: true, uid: 'u' });
    expect(metadata.annotations?.[annotations.adopted]).toBe('true');
    expect(metadata.uid).toBe('u');
  });
});

describe('hashObject', () => {
  it('does not depend on the order of keys, but on everything else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (data) => {
        const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, data };
        const reversed = {
          data: Object.fromEntries(Object.entries(data).reverse()),
          metadata: { name: 'x' },
          kind: 'X',
          apiVersion: 'v1',
        };
        expect(hashObject(reversed)).toBe(hashObject(object));
        expect(hashObject({ ...object, more: 1 })).not.toBe(hashObject(object));
      }),
    );
  });
});
