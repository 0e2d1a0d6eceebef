// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { publishedSha256 } from './checksum.ts';

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];

describe('publishedSha256', () => {
  it('reads a bare hash', () => {
    expect(publishedSha256(`${a}\n`, 'kubectl')).toBe(a);
  });

  it('reads the line of the file among others', () => {
    expect(publishedSha256(`${a}  other.tar.gz\n${b} *etcd.tar.gz\n`, 'etcd.tar.gz')).toBe(b);
  });

  it('takes no line of another file where there are several', () => {
    expect(publishedSha256(`${a}  other\n${b}  another\n`, 'etcd.tar.gz')).toBeUndefined();
  });

  it('takes nothing that is no SHA-256', () => {
    expect(publishedSha256('<html>not found</html>', 'kubectl')).toBeUndefined();
    expect(publishedSha256('', 'kubectl')).toBeUndefined();
  });
});
