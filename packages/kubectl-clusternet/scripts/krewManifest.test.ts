// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from '@jest/globals';
import { krewManifest } from './krewManifest.ts';

it('names one archive for every platform that can run it', () => {
  const o = {
    version: '1.2.3',
    uri: 'https://example.com/a.tar.gz',
    sha256: 'ab',
    homepage: 'https://example.com',
    bin: 'x.mjs',
  };
  const { metadata, spec } = krewManifest(o) as {
    metadata: { name: string };
    spec: {
      version: string;
      shortDescription: string;
      platforms: { uri: string; sha256: string; bin: string; selector: object }[];
    };
  };
  expect(metadata.name).toBe('clusternet');
  expect(spec.version).toBe('v1.2.3');
  expect(spec.shortDescription.length).toBeLessThanOrEqual(50);
  expect(spec.platforms).toHaveLength(4);
  expect(spec.platforms[0]).toEqual({
    selector: { matchLabels: { os: 'linux', arch: 'amd64' } },
    uri: o.uri,
    sha256: 'ab',
    bin: 'x.mjs',
  });
});
