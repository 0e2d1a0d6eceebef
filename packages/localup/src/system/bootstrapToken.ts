// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { type KubeApi } from '../kubeApi.ts';

/** The group whose members may ask for the registration of a cluster. */
const REGISTER_GROUP = 'system:bootstrappers:clusternet:register-cluster-token';

/** Makes a bootstrap token in the parent that allows to ask for registration, for one day unless `expiration` says otherwise. */
export async function createBootstrapToken(
  parent: KubeApi,
  { expiration = new Date(Date.now() + 24 * 3600_000) }: { expiration?: Date } = {},
): Promise<string> {
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')];
  await parent.request('POST', '/api/v1/namespaces/kube-system/secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': secret,
      expiration: expiration.toISOString(),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': REGISTER_GROUP,
    },
  });
  return `${id}.${secret}`;
}
