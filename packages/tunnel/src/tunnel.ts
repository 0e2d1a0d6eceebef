// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Duplex } from 'node:stream';

/** One tunnel: byte streams over one socket.io connection, openable from either end. */
export interface Tunnel {
  /** The same at both ends, for logs. It opens nothing. */
  readonly id: string;
  readonly connectedAt: Date;
  /** The version of the wire that both ends agreed on. */
  readonly version: number;
  /** Streams that are open or being opened, by either end. */
  readonly streams: number;
  /** Bytes received and sent, frame headers included. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Resolves when the tunnel is over; never rejects. */
  readonly closed: Promise<{ reason: string }>;

  /**
   * Opens a stream to what `target` means at the other end, and waits until that has accepted.
   *
   * @param target - text that only the other end's {@link StreamHandler} interprets, at most 4 KiB
   * @throws StreamRefusedError when the other end would or could not, or did not answer in time
   * @throws TunnelClosedError when the tunnel is or gets closed
   * @throws the signal's reason when it is aborted
   */
  open(target: string, options?: { signal?: AbortSignal }): Promise<Duplex>;

  /** Ends the tunnel and every stream in it. */
  close(reason?: string): Promise<void>;
}

/**
 * Opens what the other end asked for. The tunnel joins what it returns with the stream, back-pressure and half-close
 * included; dial with `allowHalfOpen: true`, or an answer that comes after the request's end is lost.
 *
 * A rejection is passed on as a refusal with the error's `code` and message: mind what those tell. `ctx.signal` is
 * aborted when the other end does not want it any more; what is returned after that is destroyed.
 */
export type StreamHandler = (target: string, ctx: { signal: AbortSignal; tunnel: Tunnel }) => Promise<Duplex>;
