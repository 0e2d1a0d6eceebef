// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from 'node:crypto';
import { type KubeObject } from '@clusternet/api-types';
import { core, isAlreadyExists, isConflict, type KubeClient } from '@clusternet/client';
import { parseBundle } from '../authn/clientCertificate.ts';
import { createAuthority, type KeyPairPem } from './pki.ts';

/** A certificate authority as the replicas share it. */
export interface Authority {
  /** What signs now. */
  pair: KeyPairPem;
  /** What clients should trust: the authority that signs now, and those before it while they are valid. */
  bundle: string;
}

/** Options of {@link shareAuthority}. */
export interface AuthoritySecretOptions {
  client: Pick<KubeClient, 'resource'>;
  namespace: string;
  /** Name of the Secret. */
  name: string;
}

const lifetimeMs = 10 * 365 * 24 * 3_600_000;
/** Renewed with a fifth of its life left: far longer than any certificate that it signed lives. */
const renewedAt = 0.8;
const attempts = 5;

/**
 * The authority in the Secret; made by whoever comes first, renewed by whoever sees first that it is time.
 *
 * @throws an Error that says what to do when the Secret holds something else; ApiError when it cannot be read or written
 */
export async function shareAuthority(options: AuthoritySecretOptions, now: Date): Promise<Authority> {
  const { client, namespace, name } = options;
  const secrets = client.resource<Secret>(core.secrets);
  for (let attempt = 0; ; attempt++) {
    const found = await secrets.find({ namespace, name });
    const known = found && authorityOf(found);
    if (known && !isDue(known, now)) return known;
    const made = await renew(name, known, now);
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name },
      type: 'Opaque',
      ...found,
      data: { ...found?.data, ...encode(made) },
    };
    try {
      // With the resourceVersion that was read: of several replicas that renew at once, one wins and the others take what it made.
      await (found ? secrets.replace(secret) : secrets.create(secret));
      return made;
    } catch (error) {
      if (attempt + 1 >= attempts || !(isAlreadyExists(error) || isConflict(error))) throw error;
    }
  }
}

async function renew(name: string, known: Authority | undefined, now: Date): Promise<Authority> {
  // The moment makes the name unique: verifiers find the right one of two authorities by it.
  const pair = await createAuthority(`${name}@${Math.floor(now.getTime() / 1000)}`, { now, lifetimeMs });
  const before = known ? parseBundle(known.bundle).filter((certificate) => Date.parse(certificate.validTo) > now.getTime()) : [];
  return { pair, bundle: pair.cert + before.map((certificate) => certificate.toString()).join('') };
}

function isDue({ pair }: Authority, now: Date): boolean {
  const { validFrom, validTo } = new X509Certificate(pair.cert);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return now.getTime() >= from + (to - from) * renewedAt;
}

/** Undefined for a Secret that is still empty, as a chart may have made it. */
function authorityOf({ metadata, data = {} }: Secret): Authority | undefined {
  const [cert, key, bundle] = ['tls.crt', 'tls.key', 'ca.crt'].map((field) => decode(data[field]));
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined || !isAuthority(cert)) {
    throw new Error(
      `the Secret ${metadata.namespace}/${metadata.name} is to hold a certificate authority (tls.crt, tls.key, ca.crt) and does not; ` +
        'delete it, and a new one will be made',
    );
  }
  return { pair: { cert, key }, bundle: bundle ?? cert };
}

function isAuthority(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

function encode({ pair, bundle }: Authority): Record<string, string> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { 'tls.crt': base64(pair.cert), 'tls.key': base64(pair.key), 'ca.crt': base64(bundle) };
}

function decode(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
}
