// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { exactInteger } from '../resources/exactNumbers.ts';
import { bytesOf, decodeMessage } from './decodeObject.ts';
import { schemaMessage } from './messages.ts';
import { numbersOf, readFields, type WireField } from './wireReader.ts';

type Reader = (field: WireField, depth: number) => unknown[];

/** How what is no message is read; the values, as packed numbers are several. Nothing for what JSON has as null. */
export const letters: Record<string, Reader> = {
  /** Text. */
  s: ({ value }) => [text(value)],
  b: ({ value }) => [...numbersOf(value)].map((one) => one !== 0n),
  i: ({ value }) => [...numbersOf(value)].map((one) => exactInteger(BigInt.asIntN(64, one))),
  d: ({ value }) => {
    if (typeof value !== 'bigint') throw new RangeError('a floating number has no eight bytes');
    return [new Float64Array(BigUint64Array.of(value).buffer)[0]];
  },
  /** Bytes. */
  y: ({ value }) => [Buffer.from(bytesOf(value)).toString('base64')],
  /** A time, whole seconds. */
  t: ({ value }) => time(value, 0),
  /** A time with microseconds. */
  u: ({ value }) => time(value, 6),
  /** A duration, in nanoseconds. */
  n: ({ value }) => [duration(numberIn(value, 1))],
  /** A quantity. */
  q: ({ value }) => [textIn(value, 1)],
  /** A number or a text. */
  x: ({ value }) => [numberIn(value, 1) === 0n ? Number(numberIn(value, 2)) : textIn(value, 3)],
  /** JSON inside. */
  r: ({ value }) => {
    const inner = textIn(value, 1);
    return inner === '' ? [] : [JSON.parse(inner) as unknown];
  },
  /** A list of texts in a message of its own. */
  l: ({ value }) => [textsIn(value, 1)],
  /** A schema or several. */
  A: ({ value }, depth) => {
    const [one, many] = [schemasIn(value, 1, depth), schemasIn(value, 2, depth)];
    return [many.length > 0 ? many : one[0]];
  },
  /** A schema or whether there may be anything. */
  B: ({ value }, depth) => {
    const [schema] = schemasIn(value, 2, depth);
    return [schema ?? numberIn(value, 1) !== 0n];
  },
  /** A schema or names of properties. */
  S: ({ value }, depth) => {
    const names = textsIn(value, 2);
    return [names.length > 0 ? names : schemasIn(value, 1, depth)[0]];
  },
};

/** Whether a value is what JSON of Go leaves out as empty. */
export function zeroOf(value: unknown): boolean {
  return value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);
}

function text(value: bigint | Uint8Array): string {
  return Buffer.from(bytesOf(value)).toString('utf8');
}

function textsIn(message: bigint | Uint8Array, wanted: number): string[] {
  return [...readFields(bytesOf(message))].filter(({ number }) => number === wanted).map(({ value }) => text(value));
}

function textIn(message: bigint | Uint8Array, wanted: number): string {
  return textsIn(message, wanted).at(-1) ?? '';
}

function numberIn(message: bigint | Uint8Array, wanted: number): bigint {
  const found = [...readFields(bytesOf(message))].filter(({ number }) => number === wanted).at(-1)?.value ?? 0n;
  if (typeof found !== 'bigint') throw new RangeError('bytes stand where a number belongs');
  return BigInt.asIntN(64, found);
}

function schemasIn(message: bigint | Uint8Array, wanted: number, depth: number): object[] {
  return [...readFields(bytesOf(message))]
    .filter(({ number }) => number === wanted)
    .map(({ value }) => decodeMessage(bytesOf(value), schemaMessage(), depth));
}

function time(message: bigint | Uint8Array, digits: number): string[] {
  const bytes = bytesOf(message);
  // The time that was never set.
  if (bytes.length === 0) return [];
  const seconds = Number(numberIn(bytes, 1));
  const micros = Math.floor(Number(numberIn(bytes, 2)) / 1000);
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return [digits === 0 ? `${whole}Z` : `${whole}.${String(micros).padStart(6, '0')}Z`];
}

/** A duration as Go writes it. */
function duration(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const total = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (total === 0n) return '0s';
  const second = 1_000_000_000n;
  if (total < second) {
    const [unit, size] = total < 1_000n ? ['ns', 1] : total < 1_000_000n ? ['µs', 1_000] : ['ms', 1_000_000];
    return `${sign}${Number(total) / Number(size)}${unit}`;
  }
  const hours = total / (3600n * second);
  const minutes = (total / (60n * second)) % 60n;
  const seconds = Number(total % (60n * second)) / Number(second);
  return `${sign}${hours > 0n ? `${hours}h` : ''}${hours > 0n || minutes > 0n ? `${minutes}m` : ''}${seconds}s`;
}
