// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** One field of a message as it lies on the wire. */
export interface WireField {
  number: number;
  /** A number, or the bytes of a text, of a message or of several numbers. */
  value: bigint | Uint8Array;
  /** Whether a number is the eight bytes of a floating one. */
  fixed64: boolean;
}

/**
 * The fields of a message in their order.
 *
 * @throws RangeError for what is no protobuf
 */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    const read = readVarint(bytes, at);
    at = read.next;
    return read.value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: varint(), fixed64: false };
        break;
      case 1:
        yield { number, value: view.getBigUint64(at, true), fixed64: true };
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (length > bytes.length - at) throw new RangeError('unexpected end of a message');
        yield { number, value: bytes.subarray(at, at + length), fixed64: false };
        at += length;
        break;
      }
      case 5:
        yield { number, value: BigInt(view.getUint32(at, true)), fixed64: false };
        at += 4;
        break;
      default:
        throw new RangeError(`field ${number} has an unknown wire type`);
    }
  }
}

/** The numbers of a field that may be one number or, packed, bytes of several. */
export function* numbersOf(value: bigint | Uint8Array): Generator<bigint> {
  if (typeof value === 'bigint') {
    yield value;
    return;
  }
  for (let at = 0; at < value.length;) {
    const read = readVarint(value, at);
    yield read.value;
    at = read.next;
  }
}

function readVarint(bytes: Uint8Array, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let at = start, shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError('unexpected end of a number');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at };
  }
  throw new RangeError('a number has too many bytes');
}
