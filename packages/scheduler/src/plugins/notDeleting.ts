// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Plugin } from '../framework/plugin.ts';
import { unschedulable } from '../framework/status.ts';

const deleting = unschedulable('were being deleted');

/** Leaves out clusters that are being deleted, unless something runs there: their leaving is not this decision's. */
export const notDeleting: Plugin = {
  name: 'NotDeleting',
  filter(cycle, { key, cluster }) {
    if (cluster.metadata.deletionTimestamp === undefined) return undefined;
    return cycle.isBound(key) ? { code: 'Success', frozen: true } : deleting;
  },
};
