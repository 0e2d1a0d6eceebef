// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';
import { isObject, jsonEqual, type JsonObject, ownKey, setKey } from './json.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** More than any person writes, less than what would keep a server busy. */
const maxOperations = 10_000;
const maxIndex = 100_000;

/**
 * JSON patch (RFC 6902). The document is not changed.
 *
 * @throws StatusError 400 for what is not a patch, 413 for too many operations, 422 for one that does not fit the document
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw new StatusError(
      400,
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  }
  if (patch.length > maxOperations) {
    throw new StatusError(413, `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  }
  let result = structuredClone(document);
  for (const operation of patch as Operation[]) result = apply(result, operation);
  return result;
}

function apply(document: unknown, operation: Operation): unknown {
  if (!isObject(operation)) throw misfit();
  const { op, path } = operation;
  if (typeof op !== 'string' || typeof path !== 'string') throw misfit();
  switch (op) {
    case 'add':
      return add(document, path, required(operation));
    case 'remove':
      return remove(document, path);
    case 'replace':
      read(document, path);
      return path === '' ? required(operation) : replace(document, path, required(operation));
    case 'move': {
      const value = read(document, from(operation));
      if (path.startsWith(`${from(operation)}/`)) throw misfit();
      return add(remove(document, from(operation)), path, value);
    }
    case 'copy':
      return add(document, path, structuredClone(read(document, from(operation))));
    case 'test':
      if (!jsonEqual(readOptional(document, path) ?? null, operation.value ?? null)) throw misfit();
      return document;
    default:
      throw misfit();
  }
}

function required(operation: Operation): unknown {
  if (!('value' in operation)) throw misfit();
  return operation.value;
}

function from({ from: text }: Operation): string {
  if (typeof text !== 'string') throw misfit();
  return text;
}

function pointer(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw misfit();
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, path: string): unknown {
  let value = document;
  for (const part of pointer(path)) value = child(value, part);
  return value;
}

function readOptional(document: unknown, path: string): unknown {
  const parts = pointer(path);
  const last = parts.pop();
  if (last === undefined) return document;
  let value = document;
  for (const part of parts) value = child(value, part);
  return isObject(value) ? ownKey(value, last) : child(value, last);
}

function child(value: unknown, part: string): unknown {
  if (Array.isArray(value)) return value[index(part, value.length - 1)] as unknown;
  if (!isObject(value) || !Object.hasOwn(value, part)) throw misfit();
  return value[part];
}

function index(part: string, max: number): number {
  // Negative ones count from the end, as in the library that kube-apiserver uses.
  if (!/^-?(?:0|[1-9]\d*)$/.test(part)) throw misfit();
  const number = Number(part) < 0 ? max + 1 + Number(part) : Number(part);
  if (number < 0 || number > max || number > maxIndex) throw misfit();
  return number;
}

function target(document: unknown, path: string): { parent: unknown[] | JsonObject; key: string } {
  const parts = pointer(path);
  const key = parts.pop();
  let parent = document;
  for (const part of parts) parent = child(parent, part);
  if (key === undefined || (!Array.isArray(parent) && !isObject(parent))) throw misfit();
  return { parent, key };
}

function add(document: unknown, path: string, value: unknown): unknown {
  if (path === '') return value;
  const { parent, key } = target(document, path);
  if (Array.isArray(parent)) parent.splice(key === '-' ? parent.length : index(key, parent.length), 0, value);
  else setKey(parent, key, value);
  return document;
}

function replace(document: unknown, path: string, value: unknown): unknown {
  const { parent, key } = target(document, path);
  if (Array.isArray(parent)) parent[index(key, parent.length - 1)] = value;
  else setKey(parent, key, value);
  return document;
}

function remove(document: unknown, path: string): unknown {
  const { parent, key } = target(document, path);
  if (Array.isArray(parent)) {
    parent.splice(index(key, parent.length - 1), 1);
    return document;
  }
  if (!Object.hasOwn(parent, key)) throw misfit();
  delete parent[key];
  return document;
}

/** kube-apiserver says no more than this. */
function misfit(): StatusError {
  return new StatusError(422, 'the server rejected our request due to an error in our request', { details: {} });
}
