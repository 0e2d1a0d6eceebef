// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { matchesSelector } from '@clusternet/api-types';
import { type Plugin } from '../framework/plugin.ts';
import { unschedulable } from '../framework/status.ts';

/** Reason for a cluster that no subscriber asks for. */
export const NOT_SELECTED = 'did not match the cluster affinity';

const notSelected = unschedulable(NOT_SELECTED);

/** Keeps the clusters that one of the subscribers selects. */
export const clusterAffinity: Plugin = {
  name: 'ClusterAffinity',
  filter({ subscription }, { cluster }) {
    const { labels } = cluster.metadata;
    const selected = subscription.spec.subscribers.some(({ clusterAffinity: selector }) => matchesSelector(selector, labels));
    return selected ? undefined : notSelected;
  },
};
