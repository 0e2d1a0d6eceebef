// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { entriesOf } from './httpRepository.ts';

const index = `apiVersion: v1
entries:
  other:
  - version: 9.0.0
    description: "
      web:
      - version: 6.6.6"
  web:
  - apiVersion: v2
    digest: abc
    urls:
    - web-1.1.0.tgz
    version: 1.1.0
  - urls: [web-1.0.0.tgz]
    version: 1.0.0
  web-more:
  - version: 3.0.0
generated: "2026-01-01T00:00:00Z"
`;

describe('entriesOf', () => {
  it('finds the entries of one chart', () => {
    expect(entriesOf(index, 'web', 'x')?.map(({ version }) => version)).toEqual(['1.1.0', '1.0.0']);
    expect(entriesOf(index, 'web-more', 'x')?.map(({ version }) => version)).toEqual(['3.0.0']);
    expect(entriesOf(index, 'we', 'x')).toBeUndefined();
    expect(entriesOf(index, 'toString', 'x')).toBeUndefined();
  });

  it('reads an index that was not written by helm', () => {
    expect(entriesOf('{"entries":{"web":[{"version":"1.0.0"}]}}', 'web', 'x')).toEqual([{ version: '1.0.0' }]);
    expect(entriesOf('entries: {}', 'web', 'x')).toBeUndefined();
  });

  it('does not read the entries of all others', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `  chart-${i}:\n  - version: 1.0.0\n    urls: [a.tgz]\n`).join('');
    const started = performance.now();
    expect(entriesOf(`entries:\n${many}`, 'chart-19999', 'x')).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it.each(['', 'hello', '<html></html>', 'entries: [', '{"entries":{"web":"1.0.0"}}'])('says that %j is no index', (text) => {
    expect(() => entriesOf(text, 'web', 'https://host/index.yaml')).toThrow(
      /https:\/\/host\/index\.yaml is not the index of a chart repository/,
    );
  });
});
