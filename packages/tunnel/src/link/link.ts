// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** What a tunnel needs from the connection below it: whole frames, in order, and a say when to stop. */
export interface Link {
  /** The same text at both ends. */
  readonly id: string;
  /** False when frames would only pile up here; `onDrain` tells when that is over. */
  readonly writable: boolean;
  /** Grows whenever anything came from the other end, be it a part of a frame. */
  readonly bytesRead: number;
  /** Sends one frame. The buffer is the link's from now on. */
  send(frame: Buffer): void;
  /** Frames sent until {@link Link.uncork} may leave in one write. */
  cork(): void;
  uncork(): void;
  /** Ends the connection after what was sent; `now` throws away what is still waiting. */
  close(options?: { now?: boolean }): void;
  /** The one who listens. */
  handler: LinkHandler | undefined;
}

/** What a link tells. */
export interface LinkHandler {
  onFrame(frame: Buffer): void;
  onDrain(): void;
  /** Once; nothing comes after it. */
  onClose(reason: string): void;
}
