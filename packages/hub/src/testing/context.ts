// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { silentLogger } from '@clusternet/runtime';
import { type ControllerContext } from '../controller.ts';
import { FakeCluster } from './fakeCluster.ts';

/** An event as tests look at it. */
export interface SeenEvent {
  object: string;
  type: string;
  reason: string;
  message: string;
}

/** A controller's surroundings in memory. `clock.now` may be moved. */
export function fakeContext(): { context: ControllerContext; cluster: FakeCluster; events: SeenEvent[]; clock: { now: number } } {
  const cluster = new FakeCluster();
  const events: SeenEvent[] = [];
  const clock = { now: Date.UTC(2026, 0, 2) };
  const context: ControllerContext = {
    api: cluster,
    stores: cluster.stores(),
    recorder: { event: (object: KubeObject, event) => events.push({ object: object.metadata.name, ...event }) },
    logger: silentLogger,
    now: () => new Date(clock.now),
  };
  return { context, cluster, events, clock };
}
