// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { type Description } from '@clusternet/api-types';
import { decodeDescription } from './decode.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const description = (raw: string[]): Description => ({
  apiVersion: 'apps.clusternet.io/v1alpha1',
  kind: 'Description',
  metadata: { name: 'd' },
  spec: { deployer: 'Generic', raw },
});

describe('decodeDescription', () => {
  const good = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' } };

  it('keeps the order and takes an object named twice once', () => {
    const other = { ...good, metadata: { name: 'b', namespace: 'n' } };
    const { objects } = decodeDescription(description([encode(good), encode(other), encode({ ...good, data: {} })]));
    expect(objects.map(({ key }) => key)).toEqual(['v1/ConfigMap/n/c', 'v1/ConfigMap/n/b']);
  });

  it('tells objects of one name but another kind apart', () => {
    const { objects } = decodeDescription(description([encode(good), encode({ ...good, kind: 'Secret' })]));
    expect(objects).toHaveLength(2);
  });

  it.each([
    ['no JSON', Buffer.from('{').toString('base64')],
    ['no object', encode([1])],
    ['null', encode(null)],
    ['no kind', encode({ apiVersion: 'v1', metadata: { name: 'x' } })],
    ['no name', encode({ apiVersion: 'v1', kind: 'X' })],
  ])('reports an entry that is %s and goes on', (_, entry) => {
    const { objects, invalid } = decodeDescription(description([entry, encode(good)]));
    expect(objects).toHaveLength(1);
    expect(invalid).toEqual([{ index: 0, message: expect.stringContaining('spec.raw[0]') }]);
  });
});
