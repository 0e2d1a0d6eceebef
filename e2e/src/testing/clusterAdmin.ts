// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { type KubeClient } from '@clusternet/client';

/** Lets a user or a group do everything in a cluster. */
export async function makeClusterAdmin(client: KubeClient, kind: 'User' | 'Group', name: string): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  await client.request({
    method: 'POST',
    path: `/apis/${apiGroup}/v1/clusterrolebindings`,
    body: {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup, kind, name }],
    },
  });
}
