// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { applyPatch, type Operation } from 'rfc6902';
import { clone } from './json.ts';
import { formatPointer, hasMember, isIndex, parsePointer, valueAt } from './jsonPointer.ts';
import { PatchError } from './overrideError.ts';

/** Most operations of one patch. */
export const maxOperations = 10_000;

const operations = ['add', 'remove', 'replace', 'move', 'copy', 'test'];

/** Keys that the library steps over rather than into, lest a patch should reach a prototype. */
const unreachable = ['__proto__', 'constructor', 'prototype'];

/**
 * Applies a JSON patch (RFC 6902) as a whole or not at all, to a copy.
 *
 * @remarks The library applies; what it lets pass is refused here: paths that do not exist, list indexes such as `01`, members that an
 * object only inherits, operations on the whole document.
 * @throws PatchError that names the operation and the path that do not fit.
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new PatchError('a JSON patch is a list of operations');
  if (patch.length > maxOperations) {
    throw new PatchError(`the patch has ${patch.length} operations, and ${maxOperations} are the most`);
  }
  // In a wrapper the whole document is a member like any other, which the library can replace.
  const wrapper: Record<string, unknown> = { '': clone(document) };
  for (const [index, operation] of patch.entries()) {
    try {
      const checked = check(wrapper[''], operation);
      const [error] = applyPatch(wrapper, [checked]);
      if (error) throw describe(error, operation as Operation);
    } catch (error) {
      throw error instanceof PatchError && patch.length > 1
        ? new PatchError(`operation ${index + 1}: ${error.message}`, error)
        : error;
    }
  }
  if (!hasMember(wrapper, '')) throw new PatchError('the patch leaves nothing', { operation: 'remove', path: '' });
  return wrapper[''];
}

/** The operation as the library takes it, with its paths below the wrapper. */
function check(document: unknown, operation: unknown): Operation {
  if (typeof operation !== 'object' || operation === null || Array.isArray(operation)) {
    throw new PatchError('an operation is an object with "op" and "path"');
  }
  const { op, path, from, ...rest } = operation as Record<string, unknown>;
  if (typeof op !== 'string' || !operations.includes(op)) {
    throw new PatchError(`"op" must be one of ${operations.join(', ')}`, { path: typeof path === 'string' ? path : undefined });
  }
  const keys = keysOf(op, { name: 'path', pointer: path });
  if (['add', 'replace', 'test'].includes(op) && !Object.hasOwn(rest, 'value')) {
    throw new PatchError(`${op} ${String(path)}: "value" is missing`, { operation: op, path: String(path) });
  }
  const needsFrom = op === 'move' || op === 'copy';
  if (needsFrom) checkExists(document, { op, keys: keysOf(op, { name: 'from', pointer: from }) });
  if (op === 'add' || needsFrom) checkPlace(document, { op, keys });
  else checkExists(document, { op, keys });
  return { op, ...rest, path: `/${String(path)}`, ...(needsFrom ? { from: `/${String(from)}` } : {}) } as Operation;
}

function keysOf(op: string, { name, pointer }: { name: string; pointer: unknown }): string[] {
  if (typeof pointer !== 'string') throw new PatchError(`${op}: "${name}" is missing`, { operation: op });
  const keys = parsePointer(pointer);
  if (keys === undefined) {
    throw new PatchError(
      `${op} ${pointer}: "${name}" is no JSON pointer; it starts with "/" and writes "~" as "~0", "/" as "~1"`,
      {
        operation: op,
        path: pointer,
      },
    );
  }
  const banned = keys.find((key) => unreachable.includes(key));
  if (banned !== undefined) {
    throw new PatchError(`${op} ${pointer}: the key "${banned}" cannot be patched`, { operation: op, path: pointer });
  }
  return keys;
}

function checkExists(document: unknown, { op, keys }: { op: string; keys: string[] }): void {
  try {
    valueAt(document, keys, op);
  } catch (error) {
    throw error instanceof PatchError ? new PatchError(`${op} ${formatPointer(keys)}: ${error.message}`, error) : error;
  }
}

/** Whether something can be put there: the container exists, and a list takes the index. */
function checkPlace(document: unknown, { op, keys }: { op: string; keys: string[] }): void {
  if (keys.length === 0) return;
  const parentKeys = keys.slice(0, -1);
  checkExists(document, { op, keys: parentKeys });
  const parent = valueAt(document, parentKeys, op);
  const key = keys[keys.length - 1] ?? '';
  const path = formatPointer(keys);
  if (Array.isArray(parent)) {
    if (key === '-' || (isIndex(key) && Number(key) <= parent.length)) return;
    throw new PatchError(`${op} ${path}: "${key}" is no place in a list of ${parent.length}`, { operation: op, path });
  }
  if (typeof parent === 'object' && parent !== null) return;
  throw new PatchError(`${op} ${path}: ${formatPointer(parentKeys) || 'the object'} has no members`, { operation: op, path });
}

function describe(error: Error, { op, path }: Operation): PatchError {
  if (error.name === 'TestError') {
    // Not what is there and what was expected: either may be secret.
    return new PatchError(`test ${path}: the value there is another one`, { operation: op, path });
  }
  return new PatchError(`${op} ${path}: it does not fit`, { operation: op, path });
}
