// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from 'node:crypto';
import { type User } from './user.ts';

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

/** The certificates of a PEM bundle. @throws an Error when one does not parse */
export function parseBundle(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Whether it is a client's certificate that one of the authorities has signed, both valid now. */
export function isClientOf(certificate: X509Certificate, authorities: readonly X509Certificate[], now: Date): boolean {
  if (!isValid(certificate, now) || !isForClients(certificate)) return false;
  return authorities.some((authority) => isIssuer(authority, certificate, now));
}

/** The single common name of a certificate; undefined when it has none or several. */
export function commonName(certificate: X509Certificate): string | undefined {
  const names = subjectValues(certificate, 'CN');
  return names.length === 1 ? names[0] : undefined;
}

/** The user that a certificate names: CN and its groups O. */
export function userOf(certificate: X509Certificate): User | undefined {
  const name = commonName(certificate);
  if (name === undefined || name === '') return undefined;
  return { name, groups: subjectValues(certificate, 'O'), extra: {} };
}

type Subject = Record<string, string | string[] | undefined>;

// A connection keeps its certificate, and each of its requests asks whose it is.
const subjects = new WeakMap<X509Certificate, Subject>();

function subjectOf(certificate: X509Certificate): Subject {
  let subject = subjects.get(certificate);
  if (subject === undefined) {
    // The text form of the subject would have to be parsed; this one is made from the single entries.
    ({ subject } = certificate.toLegacyObject() as unknown as { subject: Subject });
    subjects.set(certificate, subject);
  }
  return subject;
}

function subjectValues(certificate: X509Certificate, field: 'CN' | 'O'): string[] {
  const value = subjectOf(certificate)[field] ?? [];
  return typeof value === 'string' ? [value] : value;
}

function isIssuer(issuer: X509Certificate, child: X509Certificate, now: Date): boolean {
  return issuer.ca && isValid(issuer, now) && child.checkIssued(issuer) && child.verify(issuer.publicKey);
}

function isValid(certificate: X509Certificate, now: Date): boolean {
  return Date.parse(certificate.validFrom) <= now.getTime() && now.getTime() <= Date.parse(certificate.validTo);
}

function isForClients(certificate: X509Certificate): boolean {
  const usages = certificate.keyUsage as string[] | undefined;
  return usages === undefined || usages.includes(clientAuth) || usages.includes(anyUsage);
}
