// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type RequestInfo } from './requestInfo.ts';

/**
 * How a request is bounded.
 *
 * `short` has a deadline and a slot among the short ones; `long` (watches, streams) has no deadline and a slot of its own kind; `free` has
 * neither: for connections whose number something else bounds, such as the tunnels of known agents.
 */
export type RequestClass = 'short' | 'long' | 'free';

/** What Kubernetes takes as long-running: watches, and everything that upgrades its connection. */
export function defaultClass(info: RequestInfo, upgrade: boolean): RequestClass {
  return upgrade || info.verb === 'watch' ? 'long' : 'short';
}
