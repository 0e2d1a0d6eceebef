// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { setImmediate } from 'node:timers/promises';
import { KeepAlive } from '../keepAlive.ts';
import { Mux } from '../mux.ts';
import { settingsOf, type TunnelOptions } from '../options.ts';
import type { StreamHandler } from '../tunnel.ts';
import { ManualClock } from './manualClock.ts';
import { MemoryLink } from './memoryLink.ts';

/** How the two ends are. */
export interface MuxPairOptions extends TunnelOptions {
  onStream?: StreamHandler;
  onClientStream?: StreamHandler;
  onDrain?: (spreadMs: number) => void;
}

/** Two ends of a tunnel in memory, on time that stands still. */
export class MuxPair {
  readonly clock = new ManualClock();
  readonly clientLink: MemoryLink;
  readonly serverLink: MemoryLink;
  readonly client: Mux;
  readonly server: Mux;
  readonly keepAlive: KeepAlive;

  /** `onStream` serves at the server, `onClientStream` at the client. */
  constructor(options: MuxPairOptions = {}) {
    const settings = settingsOf({ clock: this.clock, ...options });
    this.keepAlive = new KeepAlive(settings);
    [this.clientLink, this.serverLink] = MemoryLink.pair();
    const common = { settings, keepAlive: this.keepAlive, onReady: () => {} };
    this.client = new Mux({
      ...common,
      link: this.clientLink,
      role: 'client',
      onStream: options.onClientStream,
      onDrain: options.onDrain,
    });
    this.server = new Mux({ ...common, link: this.serverLink, role: 'server', onStream: options.onStream });
  }

  /** A pair that has said hello. */
  static async ready(options: MuxPairOptions = {}): Promise<MuxPair> {
    const pair = new MuxPair(options);
    await pair.settle();
    return pair;
  }

  /** Delivers all there is until nothing moves any more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 5;) {
      const moved = [this.clientLink.deliver(), this.serverLink.deliver()].some(Boolean);
      quiet = moved ? 0 : quiet + 1;
      await setImmediate();
    }
  }

  /** What a promise becomes once all is delivered. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    await this.settle();
    return promise;
  }
}
