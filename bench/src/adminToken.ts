// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { core, type KubeClient } from '@clusternet/client';

/** Token of a ServiceAccount that may do everything in a cluster. */
export async function adminToken(admin: KubeClient): Promise<string> {
  const ref = { name: 'bench', namespace: 'default' };
  await admin.resource(core.serviceAccounts).create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: ref });
  await admin.resource(core.clusterRoleBindings).create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'bench' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', ...ref }],
  });
  return accountToken(admin, ref);
}

/** A token of an existing ServiceAccount, good for an hour. */
export async function accountToken(admin: KubeClient, account: { name: string; namespace: string }): Promise<string> {
  const { status } = await admin.request<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
  });
  return status.token;
}
