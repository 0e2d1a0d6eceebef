// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Duplex } from 'node:stream';
import { type StreamTarget } from './proxyTarget.ts';

/** Opens byte streams to what an agent reaches, whichever replica holds its tunnel. */
export interface Streams {
  /**
   * @throws NoTunnelError when the agent is connected nowhere; what the tunnel's `open` throws
   */
  open(clusterId: string, target: StreamTarget, signal?: AbortSignal): Promise<Duplex>;
}
