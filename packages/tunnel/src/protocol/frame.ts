// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { ProtocolError } from '../errors.ts';
import { framePool } from './framePool.ts';

/** What a frame does; the first byte on the wire. Numbers are never reused. */
export const FrameType = {
  /** First frame of each side: what it speaks and allows, JSON. */
  hello: 1,
  /** Opens a stream: initial credit, target. */
  open: 2,
  /** The open succeeded: initial credit. */
  accept: 3,
  /** The open failed: code and message. */
  refuse: 4,
  /** Bytes of a stream. */
  data: 5,
  /** The sender's direction has ended; the other goes on. */
  end: 6,
  /** The stream is over in both directions: code and message. */
  reset: 7,
  /** The receiver has room for that many more bytes. */
  credit: 8,
  /** Are you there? */
  ping: 9,
  /** I am. */
  pong: 10,
  /** The server will go away: come back to another, within this many milliseconds. */
  drain: 11,
  /** The tunnel ends: why, in words. */
  close: 12,
} as const;

/** Type (1 byte) and stream id (4 bytes, big endian), before the payload. */
export const headerBytes = 5;

/** The longest target of an open, in bytes of UTF-8. */
export const maxTargetBytes = 4096;

/** Any frame but data stays below this; no peer may ask for less as its maximum. */
export const minFrameBytes = 8 * 1024;

/** No window is larger, so that sums of credit stay exact in 32 bits. */
export const maxCredit = 2 ** 31 - 1;

const maxTextBytes = 1024;

/** A frame with an empty payload of `payloadBytes`, to be filled. */
export function allocateFrame(type: number, id: number, payloadBytes: number): Buffer {
  const frame = framePool.take(headerBytes + payloadBytes);
  frame[0] = type;
  frame.writeUInt32BE(id, 1);
  return frame;
}

/** A frame without payload. */
export function bareFrame(type: number, id = 0): Buffer {
  return allocateFrame(type, id, 0);
}

/** A frame that carries a number: accept, credit, drain. */
export function numberFrame(type: number, id: number, value: number): Buffer {
  const frame = allocateFrame(type, id, 4);
  frame.writeUInt32BE(value, headerBytes);
  return frame;
}

/** A frame that carries text: hello, close. */
export function textFrame(type: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const frame = allocateFrame(type, 0, bytes.length);
  bytes.copy(frame, headerBytes);
  return frame;
}

/** Asks for a stream to `target`. */
export function openFrame(id: number, credit: number, target: string): Buffer {
  const bytes = Buffer.from(target);
  const frame = allocateFrame(FrameType.open, id, 4 + bytes.length);
  frame.writeUInt32BE(credit, headerBytes);
  bytes.copy(frame, headerBytes + 4);
  return frame;
}

/** A refusal or a reset; a long message is cut. */
export function errorFrame(type: number, id: number, error: { code: string; message: string }): Buffer {
  const code = Buffer.from(error.code).subarray(0, 64);
  const message = cut(Buffer.from(error.message));
  const frame = allocateFrame(type, id, 1 + code.length + message.length);
  frame[headerBytes] = code.length;
  code.copy(frame, headerBytes + 1);
  message.copy(frame, headerBytes + 1 + code.length);
  return frame;
}

/** @throws ProtocolError when the payload is not one number */
export function readNumber(payload: Buffer): number {
  if (payload.length !== 4) throw new ProtocolError(`a number of ${payload.length} bytes`);
  return payload.readUInt32BE(0);
}

/** @throws ProtocolError when there is no credit or no proper target in it */
export function readOpen(payload: Buffer): { credit: number; target: string } {
  if (payload.length <= 4 || payload.length > 4 + maxTargetBytes) throw new ProtocolError('an open without a proper target');
  return { credit: readCredit(payload.subarray(0, 4)), target: payload.toString('utf8', 4) };
}

/** @throws ProtocolError unless it is between 1 and {@link maxCredit} */
export function readCredit(payload: Buffer): number {
  const credit = readNumber(payload);
  if (credit === 0 || credit > maxCredit) throw new ProtocolError(`credit of ${credit} bytes`);
  return credit;
}

/** @throws ProtocolError when it is malformed or longer than errors may be */
export function readError(payload: Buffer): { code: string; message: string } {
  const length = payload[0];
  if (length === undefined || length > 64 || payload.length < 1 + length || payload.length > 1 + length + maxTextBytes) {
    throw new ProtocolError('a malformed error');
  }
  return { code: payload.toString('utf8', 1, 1 + length), message: payload.toString('utf8', 1 + length) };
}

/** Text as short as errors may be, no character cut in half. */
export function cut(bytes: Buffer): Buffer {
  let end = Math.min(bytes.length, maxTextBytes);
  while (end < bytes.length && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
