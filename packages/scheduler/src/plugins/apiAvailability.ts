// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { groups, isBuiltInApi, resources, type SubscriptionSpec } from '@clusternet/api-types';
import { type Cycle, type ClusterInfo, type Plugin } from '../framework/plugin.ts';
import { type Status, unschedulable } from '../framework/status.ts';

const STATE = 'APIAvailability';

/**
 * Leaves out clusters that do not serve the kind of a feed, where the agent tells which kinds there are. A Subscription that brings a
 * CustomResourceDefinition along is let through, as is one with a chart, which may hold some: what they define is on its way. What runs already
 * stays.
 */
export const apiAvailability: Plugin = {
  name: 'APIAvailability',
  filter(cycle: Cycle, { key, cluster }: ClusterInfo): Status | undefined {
    const served = cluster.status?.apiKinds;
    if (served === undefined) return undefined;
    let needed = cycle.state.read<string[]>(STATE);
    if (needed === undefined) {
      needed = neededKinds(cycle.subscription.spec);
      cycle.state.write(STATE, needed);
    }
    const missing = needed.find((kind) => !served.includes(kind));
    if (missing === undefined) return undefined;
    return cycle.isBound(key) ? { code: 'Success', frozen: true } : unschedulable(`did not serve ${missing}`);
  },
};

function neededKinds({ feeds }: SubscriptionSpec): string[] {
  if (feeds.some(({ kind }) => kind === 'CustomResourceDefinition' || kind === resources.helmCharts.kind)) return [];
  const own = `${groups.apps}/`;
  return feeds
    .filter(({ apiVersion }) => !isBuiltInApi(apiVersion) && !apiVersion.startsWith(own))
    .map(({ apiVersion, kind }) => `${apiVersion}/${kind}`);
}
