// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Cluster, type System, type Workload } from '@clusternet/localup';

/**
 * Kills the only replica of a service of the system. Its Lease is given up for it: how long a successor waits for a Lease to run out is
 * a matter of elections, and tested there; here it is what the successor finds and makes of it.
 */
export async function crash(system: System, name: string): Promise<Workload> {
  const [lease = name, child] = name.split('/');
  const service = system.services.find((one) => one.name === name);
  const cluster = child === undefined ? system.parent : system.children.find((one) => one.name === child);
  if (service === undefined || cluster === undefined) throw new Error(`there is no service ${name}`);
  await service.process.kill('SIGKILL');
  await giveUpLease(cluster, lease);
  return service.process;
}

/** Gives a Lease up for a holder that was killed. */
export async function giveUpLease(cluster: Cluster, name: string): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/clusternet-system/leases/${name}`;
  await cluster.api.request('PATCH', path, { spec: { holderIdentity: '' } }, 'application/merge-patch+json');
}
