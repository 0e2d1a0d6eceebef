// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { resources, type ClusterRegistrationRequest, type KubeObject, type ManagedCluster } from '@clusternet/api-types';
import { core, isForbidden, type KubeClient } from '@clusternet/client';

/** What {@link retainOnDeregistration} looks at. */
export interface RetainOptions {
  parent: Pick<KubeClient, 'resource'>;
  /** Dedicated namespace. */
  namespace: string;
  requestName: string;
  managedCluster: () => ManagedCluster | undefined;
}

/**
 * Whether a Description is deleted only because the cluster is being let go: its objects then stay in the child. They are removed
 * only while the parent plainly still holds the cluster.
 *
 * @throws when the parent does not answer: nothing is deleted on a guess.
 */
export async function retainOnDeregistration({
  parent,
  namespace,
  requestName,
  managedCluster,
}: RetainOptions): Promise<boolean> {
  const [dedicated, request] = await Promise.all([
    parent
      .resource<KubeObject>(core.namespaces)
      .find({ name: namespace })
      .catch((error: unknown) => {
        // Parents of the upstream kind do not let a child read its Namespace; the request tells the same.
        if (isForbidden(error)) return 'hidden' as const;
        throw error;
      }),
    parent.resource<ClusterRegistrationRequest>(resources.clusterRegistrationRequests).find({ name: requestName }),
  ]);
  const namespaceGoes = dedicated !== 'hidden' && isGoing(dedicated);
  return namespaceGoes || isGoing(request) || isGoing(managedCluster());
}

function isGoing(object: { metadata: { deletionTimestamp?: unknown } } | undefined): boolean {
  return object === undefined || object.metadata.deletionTimestamp !== undefined;
}
