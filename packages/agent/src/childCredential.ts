// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, bootstrapping, createdBy, labels, secretKeys, type KubeObject } from '@clusternet/api-types';

/** Secret with the child's credential for the parent. */
export type CredentialSecret = KubeObject & { type?: string; data?: Record<string, string> };

/** What goes into the Secret. */
export interface ChildCredential {
  /** Name of the Secret. */
  name: string;
  clusterId: string;
  /** Dedicated namespace. */
  namespace: string;
  /** URL at which the parent reaches the child. */
  url: string;
  caPem: string | undefined;
  token: string;
  /** Whose token it is, where the parent is to know. */
  serviceAccount?: { name: string; uid: string };
}

/** A Secret in the dedicated namespace, by which the parent acts in the child. It carries no finalizer: nothing needs it to linger. */
export function childCredentialSecret({
  name,
  clusterId,
  namespace,
  url,
  caPem,
  token,
  serviceAccount,
}: ChildCredential): CredentialSecret {
  const texts = {
    ...(caPem ? { [secretKeys.caCertificate]: caPem } : {}),
    [secretKeys.token]: token,
    ...(serviceAccount
      ? { [secretKeys.serviceAccountName]: serviceAccount.name, [secretKeys.serviceAccountUid]: serviceAccount.uid }
      : {}),
    [secretKeys.apiserverUrl]: url,
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      labels: {
        [labels.createdBy]: createdBy.agent,
        [labels.clusterId]: clusterId,
        [labels.bootstrapping]: bootstrapping.credentialsAuto,
      },
      annotations: { [annotations.autoUpdate]: 'true' },
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')])),
  };
}

/** Whether an existing Secret is the agent's to change: an operator keeps their own with `autoupdate` other than `"true"`. */
export function isOwnSecret(secret: CredentialSecret): boolean {
  return secret.metadata.annotations?.[annotations.autoUpdate] === 'true';
}

/** Whether an existing Secret already says all of that. */
export function isSameCredential(existing: CredentialSecret, wanted: CredentialSecret): boolean {
  return Object.entries(wanted.data ?? {}).every(([key, value]) => existing.data?.[key] === value);
}
