// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { type Description, feedKey } from '@clusternet/api-types';
import * as fc from 'fast-check';
import { encodeObject, feedOfRaw } from '../render/encodeManifest.ts';
import { configMap } from '../testing/objects.ts';
import { contentOf, decodeRevision, encodeRevision, objectsOfContent, type RenderedContent, sameContent } from './revision.ts';
import { addUndoRequest, everyCluster, undoRequestFor } from './undo.ts';

const content = (data: Record<string, string>): RenderedContent => {
  const raw = encodeObject(configMap('a', data));
  const feed = feedOfRaw(raw);
  return new Map(feed ? [[feedKey(feed), raw]] : []);
};

describe('a stored revision', () => {
  it('gives back what it was made of, byte for byte', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (data) => {
        const before = content(data);
        expect(sameContent(decodeRevision(encodeRevision(before)), before)).toBe(true);
      }),
    );
  });

  it('holds the objects of all Descriptions of a Base', () => {
    const description = (name: string): Description =>
      ({ spec: { deployer: 'Generic', raw: [encodeObject(configMap(name))] } }) as unknown as Description;
    expect([...contentOf([description('a'), description('b')]).keys()]).toEqual(['v1/ConfigMap/shop/a', 'v1/ConfigMap/shop/b']);
  });

  it('holds charts with their values, and tells them apart', () => {
    const chart = {
      apiVersion: 'apps.clusternet.io/v1alpha1',
      kind: 'HelmChart',
      metadata: { namespace: 'shop', name: 'web' },
      spec: { chart: 'web' },
    };
    const base64 = (value: unknown): string =>
      Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
    const description = (values: unknown): Description =>
      ({
        spec: {
          deployer: 'Helm',
          charts: [{ namespace: 'shop', name: 'web' }],
          chartRaw: [base64(chart)],
          raw: [base64(values)],
        },
      }) as unknown as Description;
    const [plain, valued] = [contentOf([description(' ')]), contentOf([description({ replicas: 2 })])];
    expect(sameContent(plain, valued)).toBe(false);
    expect(sameContent(decodeRevision(encodeRevision(valued)), valued)).toBe(true);
    const key = 'apps.clusternet.io/v1alpha1/HelmChart/shop/web';
    expect([objectsOfContent(plain).get(key), objectsOfContent(valued).get(key)]).toEqual([
      chart,
      { ...chart, values: { replicas: 2 } },
    ]);
  });

  it('is none when it would not fit into an object', () => {
    let seed = 1;
    const noise = Array.from({ length: 2_000_000 }, () =>
      String.fromCharCode(33 + ((seed = (seed * 16807) % 2147483647) % 90)),
    ).join('');
    expect(encodeRevision(content({ noise }))).toBeUndefined();
  });

  it('is refused when it holds something else', () => {
    expect(() => decodeRevision({})).toThrow('holds no objects');
  });
});

describe('requests to go back', () => {
  const at = (id: string, revision: number): { id: string; revision: number } => ({ id, revision });
  it('the later one of a cluster and of all counts', () => {
    const all = addUndoRequest(undefined, { namespace: everyCluster, request: at('2026-01-01', 3) });
    const both = addUndoRequest(all, { namespace: 'x', request: at('2026-01-02', 2) });
    expect([undoRequestFor(both, 'x'), undoRequestFor(both, 'y')]).toEqual([at('2026-01-02', 2), at('2026-01-01', 3)]);
    const again = addUndoRequest(both, { namespace: everyCluster, request: at('2026-01-03', 1) });
    expect(undoRequestFor(again, 'x')).toEqual(at('2026-01-03', 1));
  });

  it.each([undefined, '', 'x', '[]', '{"*":1}', 'null'])('%j is none', (text) => {
    expect(undoRequestFor(text, 'x')).toBeUndefined();
  });
});
