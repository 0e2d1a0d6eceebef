// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { conditionTypes } from '@clusternet/api-types';
import { findCondition } from '@clusternet/runtime';
import { type Plugin } from '../framework/plugin.ts';
import { unschedulable } from '../framework/status.ts';

const notReady = unschedulable('were not ready');

/**
 * Brings nothing new to clusters whose condition Ready is False or Unknown; what runs there stays, as it may be well and only out of
 * reach. One that never said anything passes: it has just registered.
 */
export const clusterReadiness: Plugin = {
  name: 'ClusterReadiness',
  filter(cycle, { key, cluster }) {
    const ready = findCondition(cluster.status?.conditions, conditionTypes.ready);
    if (ready === undefined || ready.status === 'True') return undefined;
    return cycle.isBound(key) ? { code: 'Success', frozen: true } : notReady;
  },
};
