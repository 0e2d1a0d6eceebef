// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { LineSplitter } from './lineSplitter.ts';

const text = '{"name":"grüße"}\n{"name":"集群"}\n\n{"name":"🚀"}\n';
const lines = text.split('\n').filter((line) => line !== '');

describe('LineSplitter', () => {
  it.each([1, 2, 3, 5, 7, 1000])('finds the same lines in chunks of %d bytes', (size) => {
    const splitter = new LineSplitter();
    const bytes = Buffer.from(text);
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      found.push(...splitter.push(bytes.subarray(at, at + size)).map((line) => line.toString('utf8')));
    }
    expect(found).toEqual(lines);
    expect(splitter.rest()).toHaveLength(0);
  });

  it('keeps what follows the last line end', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('a\nb')).map(String)).toEqual(['a']);
    expect(splitter.push(Buffer.from('c'))).toEqual([]);
    expect(splitter.rest().toString()).toBe('bc');
    expect(splitter.rest()).toHaveLength(0);
  });

  it('joins a large line once, however many chunks bring it', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(100, 'x');
    for (let i = 0; i < 100_000; i++) expect(splitter.push(chunk).length).toBe(0);
    expect(splitter.push(Buffer.from('\n'))[0]).toHaveLength(10_000_000);
  });
});
