// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster } from '@clusternet/api-types';

/** Who deploys to a child. Never both, and nobody only where the operator asked for the impossible. */
export type Deployer = 'parent' | 'agent' | 'nobody';

/**
 * Decides from the ManagedCluster as the parent holds it, which is also what the hub looks at: flags of the agent that have not
 * arrived there yet do not count, so that both sides never disagree for longer than a change takes to travel.
 *
 * @returns `undefined` while the parent does not know yet whether this agent lets it push: nobody starts before that.
 */
export function whoDeploys(cluster: Pick<ManagedCluster, 'spec' | 'status'>): Deployer | undefined {
  const { syncMode } = cluster.spec;
  const appPusher = cluster.status?.appPusher;
  if (syncMode === 'Pull') return 'agent';
  if (appPusher === undefined) return undefined;
  if (appPusher) return 'parent';
  return syncMode === 'Dual' ? 'agent' : 'nobody';
}
