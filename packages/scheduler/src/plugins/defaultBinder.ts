// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Cycle, type Plugin, type TargetClusters } from '../framework/plugin.ts';

/** Writes where a Subscription goes into its status. */
export interface BindingWriter {
  bind(cycle: Cycle, targets: TargetClusters): Promise<void>;
}

/** Binds by writing the status of the Subscription, which the hub acts on. */
export function defaultBinder(writer: BindingWriter): Plugin {
  return {
    name: 'DefaultBinder',
    async bind(cycle: Cycle, targets: TargetClusters): Promise<void> {
      await writer.bind(cycle, targets);
    },
  };
}
