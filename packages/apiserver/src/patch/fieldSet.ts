// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { isObject, type JsonObject } from './json.ts';

/**
 * A set of places in an object, as the tree that `managedFields[].fieldsV1` is: names of steps are `f:NAME`, `k:{KEYS}`, `v:VALUE`.
 */
export interface FieldSet {
  /** Whether this place itself is in the set, and not only something below. */
  member: boolean;
  children: Map<string, FieldSet>;
}

export function emptySet(): FieldSet {
  return { member: false, children: new Map() };
}

export function isEmpty(set: FieldSet): boolean {
  return !set.member && [...set.children.values()].every((child) => isEmpty(child));
}

/** The set below a step, made when it is not there. */
export function descend(set: FieldSet, step: string): FieldSet {
  let child = set.children.get(step);
  if (!child) set.children.set(step, (child = emptySet()));
  return child;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = { member: a.member || b.member, children: new Map(a.children) };
  for (const [step, child] of b.children) {
    const other = result.children.get(step);
    result.children.set(step, other ? union(other, child) : child);
  }
  return result;
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (x, y) => x && !y, true);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (x, y) => x && y, false);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(difference(a, b)) && isEmpty(difference(b, a));
}

/** Places as people read them: `.spec.containers[name="a"].image`. */
export function places(set: FieldSet, prefix = ''): string[] {
  const own = set.member ? [prefix] : [];
  return [
    ...own,
    ...[...set.children]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([step, child]) => places(child, prefix + readable(step))),
  ];
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const result: JsonObject = {};
  if (set.member && set.children.size > 0) result['.'] = {};
  for (const [step, child] of [...set.children].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isEmpty(child)) result[step] = toFieldsV1(child);
  }
  return result;
}

export function fromFieldsV1(fields: unknown): FieldSet {
  const root = readNode(fields);
  root.member = false;
  return root;
}

/** A node without children is a place by itself. */
function readNode(fields: unknown): FieldSet {
  const set = emptySet();
  const entries = isObject(fields) ? Object.entries(fields) : [];
  set.member = entries.length === 0;
  for (const [step, child] of entries) {
    if (step === '.') set.member = true;
    else set.children.set(step, readNode(child));
  }
  return set;
}

function combine(a: FieldSet, b: FieldSet, member: (x: boolean, y: boolean) => boolean, keepAlone: boolean): FieldSet {
  const result: FieldSet = { member: member(a.member, b.member), children: new Map() };
  for (const [step, child] of a.children) {
    const other = b.children.get(step);
    if (!other && !keepAlone) continue;
    const combined = other ? combine(child, other, member, keepAlone) : child;
    if (!isEmpty(combined)) result.children.set(step, combined);
  }
  return result;
}

function readable(step: string): string {
  const text = step.slice(2);
  switch (step.slice(0, 2)) {
    case 'f:':
      return `.${text}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(text) as JsonObject);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v:':
      return `[=${text}]`;
    default:
      return `[${text}]`;
  }
}
