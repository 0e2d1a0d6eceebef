// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from '@jest/globals';
import { isObject } from '../patch/json.ts';
import { StatusError } from '../request/statusError.ts';
import { protobufSamples } from '../testing/protobufSamples.ts';
import { decodeObject } from './decodeObject.ts';

/** Go writes empty structures and nulls that say nothing. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    .map(([key, item]): [string, unknown] => [key, withoutEmpty(item)])
    .filter(([, item]) => item !== null && !(isObject(item) && Object.keys(item).length === 0));
  return Object.fromEntries(entries);
}

/** A message of one field of bytes. */
function field(number: number, bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes);
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}

function envelope(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  const typeMeta = Buffer.concat([field(1, apiVersion), field(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, typeMeta), field(2, raw)]);
}

function problemOf(bytes: Uint8Array): unknown {
  try {
    return decodeObject(bytes);
  } catch (error) {
    return error instanceof StatusError ? error.code : error;
  }
}

describe('decodeObject', () => {
  it.each(protobufSamples.map(({ wire, json }) => [(JSON.parse(json) as { kind: string }).kind, wire, json] as const))(
    'reads a %s as Go writes it',
    (_kind, wire, json) => {
      expect(withoutEmpty(decodeObject(Buffer.from(wire, 'base64')))).toEqual(withoutEmpty(JSON.parse(json)));
    },
  );

  it('keeps what is there though it is empty', () => {
    // Pod.spec.volumes[0] with a name and an emptyDir, which lies in the message of all sources.
    const volume = Buffer.concat([field(1, 'v'), field(2, field(2, ''))]);
    const pod = decodeObject(envelope('v1', 'Pod', field(2, field(1, volume))));
    expect(pod).toEqual({ apiVersion: 'v1', kind: 'Pod', spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
  });

  it('refuses what it would have to lose', () => {
    expect(problemOf(envelope('example.io/v1', 'Widget', Buffer.alloc(0)))).toBe(415);
    expect(problemOf(envelope('v1', '__proto__', Buffer.alloc(0)))).toBe(415);
    expect(problemOf(envelope('v1', 'ConfigMap', Buffer.from([0xf8, 0x3f, 1])))).toBe(415);
    // Lease.spec.leaseDurationSeconds of 2^63 - 1.
    const large = Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    expect(problemOf(envelope('coordination.k8s.io/v1', 'Lease', field(2, large)))).toBe(422);
  });

  it('says 400 to everything that is no protobuf, however it is cut', () => {
    expect(problemOf(Buffer.from('{"kind":"ConfigMap"}'))).toBe(400);
    const whole = Buffer.from(protobufSamples[0]?.wire ?? '', 'base64');
    for (let length = 0; length < whole.length; length++) {
      expect([400, 415, 'read']).toContain(
        typeof problemOf(whole.subarray(0, length)) === 'number' ? problemOf(whole.subarray(0, length)) : 'read',
      );
    }
  });
});
