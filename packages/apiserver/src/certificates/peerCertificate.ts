// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeClient } from '@clusternet/client';

/** What replicas of a service show each other, as servers and as clients. */
export interface PeerCertificate {
  cert: string;
  key: string;
  /** What to verify the others with. */
  bundle: string;
}

/** Options of {@link createPeerCertificate}. */
export interface PeerCertificateOptions {
  client: Pick<KubeClient, 'resource'>;
  namespace: string;
  /** Secret that keeps the authority of all replicas; made if it is not there. Who may read it, is a replica. */
  authoritySecret: string;
  /** Name that all certificates are for, whatever address a replica has. */
  name: string;
  now: Date;
  lifetimeMs: number;
}

/**
 * Makes a certificate by which replicas know each other, signed by an authority that nobody else has.
 *
 * @throws what reading or making the authority throws
 */
export async function createPeerCertificate(o: PeerCertificateOptions): Promise<PeerCertificate> {
  const { client, namespace, authoritySecret, name, now, lifetimeMs } = o;
  // Loaded when needed only: the certificate library takes longer to load than everything else here.
  const [{ shareAuthority }, { issueServing }] = await Promise.all([import('./authoritySecret.ts'), import('./pki.ts')]);
  const { pair, bundle } = await shareAuthority({ client, namespace, name: authoritySecret }, now);
  return { ...(await issueServing(pair, [name], { now, lifetimeMs, alsoClient: true })), bundle };
}
