// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { labels } from '@clusternet/api-types';
import { StatusError, type User } from '@clusternet/apiserver';
import { isDeleting } from '../kube/objects.ts';
import { type Clusters } from './clusters.ts';

/** The cluster that holds a tunnel, as its credential proves it. */
export interface TunnelOwner {
  clusterId: string;
  /** Dedicated namespace and name of the ManagedCluster. */
  namespace: string;
  name: string;
  /** Of the ManagedCluster: one that was made anew is another registration. */
  uid: string;
  /** Of the ServiceAccount: one that was made anew has other credentials. */
  accountUid: string;
  /** Without extras: this lives as long as the tunnel, and nobody asks for them again. */
  user: Pick<User, 'name' | 'uid' | 'groups'>;
}

const accountPattern = /^system:serviceaccount:([^:]+):([^:]+)$/;

/**
 * Finds out which cluster a caller is, by its credential alone; the id of the URL has to be its own.
 *
 * @throws StatusError 403
 */
export function tunnelOwner(user: TunnelOwner['user'], clusterId: string, clusters: Clusters): TunnelOwner {
  const [, namespace = '', account = ''] = accountPattern.exec(user.name) ?? [];
  const cluster = clusters.inNamespace(namespace, clusterId);
  const owner = clusters.serviceAccount(namespace, account);
  const { uid = '', name } = cluster?.metadata ?? {};
  const { uid: accountUid = '' } = owner?.metadata ?? {};
  const proven =
    cluster !== undefined &&
    owner !== undefined &&
    name !== undefined &&
    !isDeleting(cluster) &&
    !isDeleting(owner) &&
    cluster.spec?.clusterId === clusterId &&
    owner.metadata.labels?.[labels.clusterId] === clusterId &&
    (user.uid === undefined || user.uid === accountUid);
  if (!proven) {
    throw new StatusError(
      403,
      `User "${user.name}" is not the agent of the cluster ${clusterId}; each cluster opens its own tunnel only`,
    );
  }
  const { name: userName, uid: userUid, groups } = user;
  return { clusterId, namespace, name, uid, accountUid, user: { name: userName, uid: userUid, groups } };
}

/** Whether what was proven once still holds. */
export function isStillOwner(owner: TunnelOwner, clusters: Clusters): boolean {
  try {
    const now = tunnelOwner(owner.user, owner.clusterId, clusters);
    return now.uid === owner.uid && now.accountUid === owner.accountUid;
  } catch {
    return false;
  }
}
