// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// The certificate library looks for this polyfill while it loads.
import 'reflect-metadata';
import { hostname } from 'node:os';
import { webcrypto } from 'node:crypto';
import {
  X509CertificateGenerator,
  SubjectAlternativeNameExtension,
  ExtendedKeyUsageExtension,
  ExtendedKeyUsage,
  cryptoProvider,
} from '@peculiar/x509';

/** A certificate with its key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

const yearMs = 365 * 24 * 3_600_000;

/** A self-signed serving certificate that exists in memory only. */
export async function selfSigned(now: Date): Promise<KeyPair> {
  cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${hostname()}`,
    keys,
    signingAlgorithm: algorithm,
    // An hour back, for scrapers whose clock is behind.
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + yearMs),
    extensions: [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: hostname() },
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const body = key.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: certificate.toString('pem'),
    key: ['-----BEGIN PRIVATE KEY-----', ...body, '-----END PRIVATE KEY-----', ''].join('\n'),
  };
}
