// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type JsonObject, setKey } from '../patch/json.ts';
import { StatusError } from '../request/statusError.ts';
import { letters, zeroOf } from './letters.ts';
import { type Held, messageOf, type MessageFields } from './messages.ts';
import { readFields, type WireField } from './wireReader.ts';

/** The media type of objects in protobuf. */
export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = Buffer.from('k8s\0');
/** Deeper than any kind; schemas of CRDs may be nested at will. */
const maxDepth = 500;

/**
 * An object in protobuf as its JSON would be; what the client did not say stays unsaid.
 *
 * @throws StatusError 400 for what is no object in protobuf, 415 for a kind or a field that is not known here: it would be lost
 */
export function decodeObject(bytes: Uint8Array): JsonObject {
  try {
    return decodeEnvelope(bytes);
  } catch (cause) {
    if (cause instanceof StatusError) throw cause;
    const reason = cause instanceof Error ? cause.message : 'it is malformed';
    throw new StatusError(400, `error decoding the body as protobuf: ${reason}`, { cause });
  }
}

function decodeEnvelope(bytes: Uint8Array): JsonObject {
  if (!magic.equals(bytes.subarray(0, magic.length))) throw new RangeError('it does not begin with the prefix "k8s"');
  let typeMeta = new Uint8Array();
  let raw = new Uint8Array();
  for (const { number, value } of readFields(bytes.subarray(magic.length))) {
    if (number === 1) typeMeta = bytesOf(value);
    if (number === 2) raw = bytesOf(value);
  }
  let apiVersion = '';
  let kind = '';
  for (const { number, value } of readFields(typeMeta)) {
    if (number === 1) apiVersion = Buffer.from(bytesOf(value)).toString('utf8');
    if (number === 2) kind = Buffer.from(bytesOf(value)).toString('utf8');
  }
  const message = messageOf(apiVersion, kind);
  if (!message) throw unsupported(`${kind} of ${apiVersion}`);
  return { apiVersion, kind, ...decodeMessage(raw, message, 0) };
}

/** The fields of a message by their names in JSON. */
export function decodeMessage(bytes: Uint8Array, message: MessageFields, depth: number): JsonObject {
  if (depth > maxDepth) throw new RangeError('it is nested too deeply');
  const object: JsonObject = {};
  for (const field of readFields(bytes)) {
    const held = message.fields.get(field.number);
    if (!held) throw unsupported(`field ${field.number}`);
    if (held.name === '') {
      Object.assign(object, decodeMessage(bytesOf(field.value), held.message ?? message, depth + 1));
    } else if (held.form === 'map') {
      const entry = mapEntry(bytesOf(field.value), held, depth);
      const map = (object[held.name] ??= {}) as JsonObject;
      setKey(map, entry.key, entry.value);
    } else if (held.form === 'list') {
      const list = (object[held.name] ??= []) as unknown[];
      list.push(...valuesOf(field, held, depth));
    } else {
      const [value] = valuesOf(field, held, depth);
      if (value !== undefined && !(held.omitsZero && zeroOf(value))) object[held.name] = value;
    }
  }
  return object;
}

function mapEntry(bytes: Uint8Array, held: Held, depth: number): { key: string; value: unknown } {
  let key = '';
  let value: unknown = held.letter === 's' ? '' : {};
  for (const field of readFields(bytes)) {
    if (field.number === 1) key = Buffer.from(bytesOf(field.value)).toString('utf8');
    else [value] = valuesOf(field, held, depth);
  }
  return { key, value };
}

function valuesOf(field: WireField, { letter, message }: Held, depth: number): unknown[] {
  if (message) return [decodeMessage(bytesOf(field.value), message, depth + 1)];
  const read = letters[letter];
  if (!read) throw unsupported(`field ${field.number}`);
  return read(field, depth + 1);
}

/** @throws RangeError for a number where bytes belong */
export function bytesOf(value: bigint | Uint8Array): Uint8Array<ArrayBuffer> {
  if (typeof value === 'bigint') throw new RangeError('a number stands where bytes belong');
  return value as Uint8Array<ArrayBuffer>;
}

function unsupported(what: string): StatusError {
  return new StatusError(415, `protobuf with ${what} is not understood here; send application/json`);
}
