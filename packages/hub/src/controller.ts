// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type EventRecorder, type Logger, type Metrics } from '@clusternet/runtime';
import { type Api } from './kube/api.ts';
import { type Stores } from './stores.ts';

/** What every controller of the hub is made of. */
export interface ControllerContext {
  api: Api;
  stores: Stores;
  recorder: Pick<EventRecorder, 'event'>;
  logger: Logger;
  metrics?: Metrics;
  /** The term of leadership; nothing is begun after it. */
  signal?: AbortSignal;
  /** The hub's clock; injected in tests. */
  now: () => Date;
}

/** A running part of the hub; it ends with the term of leadership. */
export interface Controller {
  start(): void;
  close(): Promise<void>;
}
