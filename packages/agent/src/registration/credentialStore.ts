// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { bootstrapping, labels, names, secretKeys, type KubeObject } from '@clusternet/api-types';
import { core, isAlreadyExists, isConflict, type KubeClient } from '@clusternet/client';
import { parsePrivateJwk, type PrivateJwk } from './keyPair.ts';
import { type StoredIdentity } from './identity.ts';
import { type ParentCredential } from './request.ts';

/** What the agent remembers between runs, in Secret `parent-cluster`. */
export interface StoredRegistration {
  identity: StoredIdentity;
  clusterName: string;
  /** URL of the parent that the credential is for. */
  parentUrl: string;
  /** Absent in a Secret that an upstream agent wrote. */
  key?: PrivateJwk;
  /** Absent before the first approval and after deregistration. */
  credential?: ParentCredential;
  /** The credential, and the CA with it, came from a parent that nothing has verified: it gives way to a CA of the operator. */
  unverified?: boolean;
}

/** Where the registration is kept. */
export interface CredentialStore {
  load(): Promise<StoredRegistration | undefined>;
  save(registration: StoredRegistration): Promise<void>;
}

/** Keys beyond those that upstream's agent writes too. */
const ownKeys = {
  privateKey: 'private.jwk',
  managedCluster: 'managed-cluster',
  clusterName: 'cluster-name',
  clusterId: 'cluster-id',
  systemUid: 'kube-system-uid',
  namespace: 'namespace',
  unverified: 'unverified',
} as const;

type Secret = KubeObject & { type?: string; data?: Record<string, string> };

/** Reads what {@link encodeRegistration} wrote, or the subset that an upstream agent left behind. */
export function decodeRegistration(secret: Secret): StoredRegistration | undefined {
  const text = (key: string) => (secret.data?.[key] ? Buffer.from(secret.data[key], 'base64').toString('utf8') : undefined);
  const clusterId = text(ownKeys.clusterId) ?? secret.metadata.labels?.[labels.clusterId];
  const parentUrl = text(secretKeys.apiserverUrl);
  if (!clusterId || !parentUrl) return undefined;
  const [token, namespace, caPem, managedClusterName, systemUid] = [
    text(secretKeys.token),
    text(ownKeys.namespace),
    text(secretKeys.caCertificate),
    text(ownKeys.managedCluster),
    text(ownKeys.systemUid),
  ];
  const key = parsePrivateJwk(text(ownKeys.privateKey) ?? '');
  return {
    identity: { clusterId, ...(systemUid ? { systemUid } : {}) },
    clusterName: text(ownKeys.clusterName) ?? secret.metadata.labels?.[labels.clusterName] ?? '',
    parentUrl,
    ...(key ? { key } : {}),
    ...(token && namespace
      ? { credential: { token, namespace, ...(caPem ? { caPem } : {}), ...(managedClusterName ? { managedClusterName } : {}) } }
      : {}),
    ...(text(ownKeys.unverified) === 'true' ? { unverified: true } : {}),
  };
}

/** Labels and data of the Secret. */
export function encodeRegistration(registration: StoredRegistration): {
  labels: Record<string, string>;
  data: Record<string, string>;
} {
  const { identity, clusterName, parentUrl, key, credential, unverified } = registration;
  const texts: Record<string, string | undefined> = {
    [secretKeys.apiserverUrl]: parentUrl,
    [ownKeys.clusterId]: identity.clusterId,
    [ownKeys.systemUid]: identity.systemUid,
    [ownKeys.clusterName]: clusterName,
    [ownKeys.privateKey]: key && JSON.stringify(key),
    [secretKeys.token]: credential?.token,
    [secretKeys.caCertificate]: credential?.caPem,
    [ownKeys.namespace]: credential?.namespace,
    [ownKeys.managedCluster]: credential?.managedClusterName,
    [ownKeys.unverified]: credential && unverified ? 'true' : undefined,
  };
  return {
    labels: {
      [labels.bootstrapping]: bootstrapping.credentialsAuto,
      [labels.clusterId]: identity.clusterId,
      [labels.clusterName]: clusterName,
    },
    data: Object.fromEntries(
      Object.entries(texts).flatMap(([name, text]) => (text ? [[name, Buffer.from(text, 'utf8').toString('base64')]] : [])),
    ),
  };
}

/** {@link CredentialStore} in the system namespace of the child. */
export class SecretCredentialStore implements CredentialStore {
  readonly #client: KubeClient;
  readonly #ref: { namespace: string; name: string };

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#ref = { namespace, name: names.parentCluster };
  }

  async load(): Promise<StoredRegistration | undefined> {
    const secret = await this.#secrets.find(this.#ref);
    return secret && decodeRegistration(secret);
  }

  async save(registration: StoredRegistration): Promise<void> {
    const encoded = encodeRegistration(registration);
    for (let attempt = 1; ; attempt++) {
      const existing = await this.#secrets.find(this.#ref);
      const metadata = { ...existing?.metadata, ...this.#ref, labels: { ...existing?.metadata.labels, ...encoded.labels } };
      delete metadata.managedFields;
      const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: existing?.type ?? 'Opaque', data: encoded.data };
      try {
        await (existing ? this.#secrets.replace(secret) : this.#secrets.create(secret));
        return;
      } catch (error) {
        if (attempt >= 5 || !(isConflict(error) || isAlreadyExists(error))) throw error;
      }
    }
  }

  get #secrets() {
    return this.#client.resource<Secret>(core.secrets);
  }
}
