// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

// The certificate library looks for this polyfill while it loads.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const lifetimeMs = 365 * 24 * 3_600_000;
// Clocks of containers and virtual machines on one laptop differ by seconds.
const backdatedMs = 3_600_000;
const usages = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth };

/** A certificate and its private key, PEM. */
export interface KeyPairPem {
  cert: string;
  key: string;
}

/** Whom a certificate is for, and what it says. */
export interface CertificateRequest {
  /** Common names; of a client, the first is its user's. */
  names: string[];
  /** A client's groups. */
  organizations?: string[];
  /** Makes it a server's certificate, too, for these DNS names and addresses. */
  hosts?: string[];
  /** What it may be used for; `client`, and with `hosts` also `server`, unless given. */
  usages?: (keyof typeof usages)[];
  /** A year from now unless given. */
  notAfter?: Date;
}

/** A certificate authority that lives in memory (ECDSA P-256). */
export class CertificateAuthority implements KeyPairPem {
  /** Its own certificate, PEM. */
  readonly cert: string;
  /** Its private key, PEM. */
  readonly key: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate, key: string) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.cert = pemOf(certificate);
    this.key = key;
  }

  static async create(name = 'test-ca'): Promise<CertificateAuthority> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [name] }],
      keys,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: await authorityExtensions(keys.publicKey),
    });
    return new CertificateAuthority(keys, certificate, await keyPemOf(keys.privateKey));
  }

  /** Issues a certificate with a new key. A bare name stands for a server of that name on loopback, and a client of that name. */
  async issue(request: CertificateRequest | string): Promise<KeyPairPem> {
    const { names, organizations, hosts, notAfter, ...o } =
      typeof request === 'string' ? { names: [request], hosts: ['127.0.0.1', request] } : request;
    const uses = o.usages ?? (hosts ? (['server', 'client'] as const) : (['client'] as const));
    const { keys, certificate } = await this.#sign({ names, organizations, notAfter }, [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(uses.map((use) => usages[use])),
      ...(hosts ? [alternativeNames(hosts)] : []),
    ]);
    return { cert: pemOf(certificate), key: await keyPemOf(keys.privateKey) };
  }

  /** An authority that this one has signed. */
  async intermediate(name: string): Promise<CertificateAuthority> {
    const { keys, certificate } = await this.#sign({ names: [name] });
    return new CertificateAuthority(keys, certificate, await keyPemOf(keys.privateKey));
  }

  /** @param extensions - those of an authority unless given */
  async #sign({ names, organizations = [], notAfter }: CertificateRequest, extensions?: x509.Extension[]) {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [...organizations.map((O) => ({ O: [O] })), ...names.map((CN) => ({ CN: [CN] }))],
      issuer: this.#certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(notAfter),
      extensions: [
        ...(extensions ?? (await authorityExtensions(keys.publicKey))),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    });
    return { keys, certificate };
  }
}

async function authorityExtensions(key: webcrypto.CryptoKey): Promise<x509.Extension[]> {
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(digitalSignature | keyCertSign | cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(key),
  ];
}

function alternativeNames(hosts: string[]): x509.Extension {
  return new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: isIP(value) > 0 ? 'ip' : 'dns', value })));
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function keyPemOf(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function validity(notAfter = new Date(Date.now() + lifetimeMs)): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - backdatedMs), notAfter };
}
