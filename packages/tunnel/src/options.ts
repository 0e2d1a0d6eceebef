// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { systemClock, type Clock } from './util/clock.ts';
import { headerBytes, maxCredit, minFrameBytes } from './protocol/frame.ts';

/** What both ends of a tunnel can be told. */
export interface TunnelOptions {
  /**
   * The most bytes that a stream nobody reads holds in memory here, and what one stream can have on its way: its speed is
   * at most this per round trip. A stream starts with a quarter and gets the rest once it is read from. Default 1 MiB:
   * 100 MB/s at 10 ms.
   */
  windowBytes?: number;
  /** How many streams the other end may have open at once, dials included. Default 1,000. */
  maxStreams?: number;
  /** Silence after which the other end is asked whether it is there. Default 4 s. */
  keepAliveMs?: number;
  /** Silence after which it is taken for dead. Default 12 s. */
  deadAfterMs?: number;
  /** The longest frame taken, in bytes. Default 64 KiB and a header. */
  maxFrameBytes?: number;
  /** How long an open may take before it fails, in milliseconds. Default 30 s. */
  openTimeoutMs?: number;
  /** Injected for tests. */
  clock?: Clock;
  /** In [0, 1), injected for tests. */
  random?: () => number;
}

/** The options with their defaults. */
export type Settings = Required<TunnelOptions>;

/**
 * Fills in the defaults.
 *
 * @throws RangeError for sizes and times that cannot work
 */
export function settingsOf(options: TunnelOptions): Settings {
  const settings: Settings = {
    windowBytes: options.windowBytes ?? 1024 * 1024,
    maxStreams: options.maxStreams ?? 1000,
    keepAliveMs: options.keepAliveMs ?? 4000,
    deadAfterMs: options.deadAfterMs ?? 12_000,
    maxFrameBytes: options.maxFrameBytes ?? 64 * 1024 + headerBytes,
    openTimeoutMs: options.openTimeoutMs ?? 30_000,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
  check('windowBytes', settings.windowBytes, 1, maxCredit);
  check('maxStreams', settings.maxStreams, 0, 2 ** 31);
  check('keepAliveMs', settings.keepAliveMs, 1, 2 ** 31 - 1);
  check('deadAfterMs', settings.deadAfterMs, settings.keepAliveMs * 2, 2 ** 31 - 1);
  check('maxFrameBytes', settings.maxFrameBytes, minFrameBytes, 16 * 1024 * 1024);
  check('openTimeoutMs', settings.openTimeoutMs, 1, 2 ** 31 - 1);
  return settings;
}

function check(name: string, value: number, min: number, max: number): void {
  if (!(Number.isFinite(value) && value >= min && value <= max)) {
    throw new RangeError(`${name} is ${value}; give a number from ${min} to ${max}`);
  }
}
