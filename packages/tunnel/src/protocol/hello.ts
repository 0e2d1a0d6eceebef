// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { ProtocolError } from '../errors.ts';
import { maxCredit, minFrameBytes } from './frame.ts';

/** The versions of the wire that this package speaks, best first. */
export const versions: readonly number[] = [1];

/** What each side says first. Unknown fields are ignored, so that later versions can add some. */
export interface Hello {
  /** Versions of the wire it can speak. */
  versions: readonly number[];
  /** The longest frame it takes, header included. */
  maxFrame: number;
}

/** The JSON of a hello. */
export function encodeHello(hello: Hello): string {
  return JSON.stringify(hello);
}

/** @throws ProtocolError when it is not a hello, or too long to be one */
export function parseHello(payload: Buffer): Hello {
  if (payload.length > 1024) throw new ProtocolError('a hello that is too long');
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new ProtocolError('a hello that is not JSON', { cause });
  }
  const hello = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<keyof Hello, unknown>>;
  const known = Array.isArray(hello.versions) ? hello.versions.filter((version) => Number.isInteger(version)) : [];
  const { maxFrame } = hello;
  if (typeof maxFrame !== 'number' || !Number.isInteger(maxFrame) || maxFrame < minFrameBytes || maxFrame > maxCredit) {
    throw new ProtocolError('a hello without a proper frame size');
  }
  return { versions: known as number[], maxFrame };
}

/**
 * The highest version both speak.
 *
 * @throws ProtocolError when there is none
 */
export function negotiate(ours: readonly number[], theirs: readonly number[]): number {
  const common = ours.filter((version) => theirs.includes(version));
  if (common.length === 0) {
    throw new ProtocolError(
      `no common version of the tunnel protocol: ours are ${ours.join(', ')}, theirs ${theirs.slice(0, 8).join(', ')}`,
    );
  }
  return Math.max(...common);
}
