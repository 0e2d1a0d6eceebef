// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** What a client's certificate says. */
export interface ClientCertificate {
  names: string[];
  organizations?: string[];
  notAfter?: Date;
  usage?: x509.ExtendedKeyUsage;
  /** A CA of its own, below the issuer. */
  isAuthority?: boolean;
}

/** A certificate authority of clients. */
export class TestAuthority {
  readonly cert: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.cert = `${certificate.toString('pem')}\n`;
  }

  static async create(name: string): Promise<TestAuthority> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [name] }],
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new TestAuthority(keys, certificate);
  }

  async issue(o: ClientCertificate): Promise<{ cert: string; key: string }> {
    const { keys, certificate } = await this.#sign(o);
    const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return { cert: `${certificate.toString('pem')}\n`, key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
  }

  /** An authority that this one has signed. */
  async intermediate(name: string): Promise<TestAuthority> {
    const { keys, certificate } = await this.#sign({ names: [name], isAuthority: true });
    return new TestAuthority(keys, certificate);
  }

  async #sign({ names, organizations = [], notAfter, usage = x509.ExtendedKeyUsage.clientAuth, isAuthority }: ClientCertificate) {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [...organizations.map((O) => ({ O: [O] })), ...names.map((CN) => ({ CN: [CN] }))],
      issuer: this.#certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: notAfter ?? new Date(Date.now() + 3_600_000),
      extensions: isAuthority
        ? [new x509.BasicConstraintsExtension(true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign)]
        : [new x509.ExtendedKeyUsageExtension([usage])],
    });
    return { keys, certificate };
  }
}
