// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { CertificateAuthority } from './certificateAuthority.ts';

describe('CertificateAuthority', () => {
  it("issues servers' certificates for names and addresses", async () => {
    const ca = await CertificateAuthority.create('test-ca');
    const issued = new X509Certificate((await ca.issue({ names: ['server'], hosts: ['localhost', '127.0.0.1', '::1'] })).cert);
    expect(issued.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(issued.checkHost('localhost')).toBe('localhost');
    expect(issued.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(issued.checkIP('::1')).toBe('::1');
    expect(issued.checkHost('example.test')).toBeUndefined();
  });

  it("issues clients' certificates with user and group, which are no CAs", async () => {
    const ca = await CertificateAuthority.create('test-ca');
    const issued = new X509Certificate((await ca.issue({ names: ['admin'], organizations: ['system:masters'] })).cert);
    expect(issued.subject).toBe('O=system:masters\nCN=admin');
    expect(issued.ca).toBe(false);
    expect(new X509Certificate(ca.cert).ca).toBe(true);
  });
});
