// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ManagedCluster } from '@clusternet/api-types';

/** Who applies Descriptions in a cluster, and why nobody does where that is so. */
export type Responsible = { who: 'parent' | 'agent' | 'unknown' } | { who: 'nobody'; reason: string; message: string };

/** Who deploys, as the sync mode and the agent's report say. Parent and agent come to the same answer by the same table. */
export function whoDeploys(cluster: ManagedCluster): Responsible {
  const mode = cluster.spec?.syncMode;
  const pusher = cluster.status?.appPusher;
  if (mode === 'Pull') return { who: 'agent' };
  // The agent has not reported yet.
  if (pusher === undefined) return { who: 'unknown' };
  if (pusher) return { who: 'parent' };
  if (mode === 'Dual') return { who: 'agent' };
  return {
    who: 'nobody',
    reason: 'AppPusherDisabled',
    message: `sync mode is ${mode}, but the agent does not let the parent deploy; start it with --feature-gates=AppPusher=true or --cluster-sync-mode=Pull`,
  };
}
