// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { apiVersionOf, labels, names, resources, type ClusterRegistrationRequest } from '@clusternet/api-types';
import { RegistrationFault } from './fault.ts';
import { decryptToken, isOwnPublicKey, publicKeyText, type PrivateJwk } from './keyPair.ts';

/** What the operator wants this cluster to be to the parent. */
export interface WantedCluster {
  clusterId: string;
  clusterName: string;
  /** Dedicated namespace to ask for; the parent chooses one when not given. */
  clusterNamespace?: string;
  clusterType: string;
  syncMode: 'Push' | 'Pull' | 'Dual';
  clusterLabels: Record<string, string>;
}

/** The access to the parent that an approved request gives. */
export interface ParentCredential {
  token: string;
  /** CA of the parent as it reported it, PEM. */
  caPem?: string;
  /** Dedicated namespace of this cluster. */
  namespace: string;
  managedClusterName?: string;
}

/** What the status of a request means to the agent. */
export type RequestOutcome =
  { kind: 'approved'; credential: ParentCredential } | { kind: 'pending'; message: string } | { kind: 'denied'; message: string };

/** Name of the request of a cluster. */
export function requestName(clusterId: string): string {
  return `${names.prefix}${clusterId}`;
}

/** The request as the agent creates it. */
export function buildRequest(wanted: WantedCluster, key: PrivateJwk): ClusterRegistrationRequest {
  const definition = resources.clusterRegistrationRequests;
  return {
    apiVersion: apiVersionOf(definition),
    kind: definition.kind,
    metadata: {
      name: requestName(wanted.clusterId),
      labels: {
        [labels.registeredBy]: names.agent,
        [labels.clusterId]: wanted.clusterId,
        [labels.clusterName]: wanted.clusterName,
      },
    },
    spec: {
      clusterId: wanted.clusterId,
      clusterName: wanted.clusterName,
      ...(wanted.clusterNamespace === undefined ? {} : { clusterNamespace: wanted.clusterNamespace }),
      clusterType: wanted.clusterType,
      syncMode: wanted.syncMode,
      clusterLabels: wanted.clusterLabels,
      publicKey: publicKeyText(key),
    },
  };
}

/**
 * JSON merge patch that brings type, sync mode and labels of an existing request to what the flags say now, and gives a request
 * of an older agent its key; `undefined` when nothing differs. Name and namespace are fixed once the cluster is registered.
 */
export function requestPatch(
  existing: ClusterRegistrationRequest,
  wanted: WantedCluster,
  key: PrivateJwk,
): { spec: Record<string, unknown> } | undefined {
  const { clusterType, syncMode, clusterLabels = {}, publicKey } = existing.spec ?? {};
  const spec: Record<string, unknown> = {};
  if (clusterType !== wanted.clusterType) spec.clusterType = wanted.clusterType;
  if (syncMode !== wanted.syncMode) spec.syncMode = wanted.syncMode;
  if (publicKey === undefined) spec.publicKey = publicKeyText(key);
  const labelPatch: Record<string, string | null> = {};
  for (const [key, value] of Object.entries(wanted.clusterLabels)) if (clusterLabels[key] !== value) labelPatch[key] = value;
  for (const key of Object.keys(clusterLabels)) if (!(key in wanted.clusterLabels)) labelPatch[key] = null;
  if (Object.keys(labelPatch).length > 0) spec.clusterLabels = labelPatch;
  return Object.keys(spec).length > 0 ? { spec } : undefined;
}

/**
 * Reads the answer to the agent's request. Accepts the clear token of hubs that do not know `publicKey`.
 *
 * @throws RegistrationFault `KeyMismatch` where the request belongs to another key, `CredentialUndecryptable`.
 */
export async function readOutcome(request: ClusterRegistrationRequest, key: PrivateJwk): Promise<RequestOutcome> {
  const { name } = request.metadata;
  const publicKey = request.spec?.publicKey;
  if (publicKey !== undefined && !isOwnPublicKey(publicKey, key)) {
    throw new RegistrationFault(
      'KeyMismatch',
      `the parent knows ${name} by another key: this cluster lost Secret ${names.parentCluster}, or another cluster has the same id. ` +
        `Delete clusterregistrationrequest ${name} at the parent to let this cluster register anew`,
    );
  }
  if (request.metadata.deletionTimestamp !== undefined)
    return { kind: 'pending', message: 'the parent is deregistering this cluster' };
  const { result, errorMessage, encryptedToken, token, caCertificate, dedicatedNamespace, managedClusterName } =
    request.status ?? {};
  if (result === 'Denied') return { kind: 'denied', message: errorMessage || 'no reason given' };
  if (result !== 'Approved') return { kind: 'pending', message: errorMessage || 'waiting for approval' };
  if (!dedicatedNamespace || !(encryptedToken || token)) {
    return {
      kind: 'pending',
      message:
        publicKey === undefined
          ? `approved, but ${name} was made without a key, so that the parent cannot hand out a credential: delete it at the parent`
          : 'approved, waiting for the credential',
    };
  }
  return {
    kind: 'approved',
    credential: {
      token: encryptedToken ? await open(encryptedToken, key) : Buffer.from(token ?? '', 'base64').toString('utf8'),
      ...(caCertificate ? { caPem: Buffer.from(caCertificate, 'base64').toString('utf8') } : {}),
      namespace: dedicatedNamespace,
      ...(managedClusterName ? { managedClusterName } : {}),
    },
  };
}

async function open(encrypted: string, key: PrivateJwk): Promise<string> {
  try {
    return await decryptToken(encrypted, key);
  } catch (error) {
    throw new RegistrationFault(
      'CredentialUndecryptable',
      "the credential from the parent was not encrypted to this cluster's key",
      { cause: error },
    );
  }
}
