// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { annotations, bootstrapping, createdBy, labels, names, secretKeys, type KubeObject } from '@clusternet/api-types';

/** Secret with the child's credential for the parent. */
export type CredentialSecret = KubeObject & { type?: string; data?: Record<string, string> };

/** What goes into the Secret. */
export interface ChildCredential {
  clusterId: string;
  /** Dedicated namespace. */
  namespace: string;
  /** URL at which the parent reaches the child. */
  url: string;
  caPem: string | undefined;
  token: string;
  serviceAccountUid: string;
}

/** Secret `child-cluster-deployer`, by which the parent deploys to the child. It carries no finalizer: nothing needs it to linger. */
export function childCredentialSecret({
  clusterId,
  namespace,
  url,
  caPem,
  token,
  serviceAccountUid,
}: ChildCredential): CredentialSecret {
  const texts = {
    ...(caPem ? { [secretKeys.caCertificate]: caPem } : {}),
    [secretKeys.token]: token,
    [secretKeys.serviceAccountName]: names.appDeployer,
    [secretKeys.serviceAccountUid]: serviceAccountUid,
    [secretKeys.apiserverUrl]: url,
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: names.childClusterDeployer,
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
