// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifetimeMs = 365 * 24 * 3600 * 1000;
// Clocks of containers and virtual machines on one laptop differ by seconds.
const backdatedMs = 5 * 60 * 1000;

/** A certificate and its private key, PEM. */
export interface KeyPairPem {
  cert: string;
  key: string;
}

/** Whom a certificate is for. */
export interface CertificateRequest {
  commonName: string;
  organization?: string;
  /** Makes it a server's certificate for these names and addresses; without them it is a client's. */
  hosts?: string[];
}

/** A certificate authority that lives in memory. */
export class CertificateAuthority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;
  readonly pem: KeyPairPem;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate, key: string) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.pem = { cert: toPem(certificate), key };
  }

  static async create(commonName: string): Promise<CertificateAuthority> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [commonName] }],
      keys,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority(keys, certificate, await keyPem(keys.privateKey));
  }

  /** Issues a certificate with a new key. */
  async issue(request: CertificateRequest): Promise<KeyPairPem> {
    const keys = await generateKeys();
    const { commonName, organization, hosts } = request;
    const usage = hosts ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
    const extensions: x509.Extension[] = [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(hosts ? [usage, x509.ExtendedKeyUsage.clientAuth] : [usage]),
      await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
    ];
    if (hosts) {
      extensions.push(
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const), value })),
        ),
      );
    }
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [...(organization === undefined ? [] : [{ O: [organization] }]), { CN: [commonName] }],
      issuer: this.#certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions,
    });
    return { cert: toPem(certificate), key: await keyPem(keys.privateKey) };
  }
}

/** A key pair for signing ServiceAccount tokens, PEM. */
export async function serviceAccountKeys(): Promise<{ publicKey: string; privateKey: string }> {
  const keys = await generateKeys();
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return { publicKey: x509.PemConverter.encode(spki, 'PUBLIC KEY') + '\n', privateKey: await keyPem(keys.privateKey) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY') + '\n';
}

function toPem(certificate: x509.X509Certificate): string {
  return certificate.toString('pem') + '\n';
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - backdatedMs), notAfter: new Date(now + lifetimeMs) };
}
