// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from '../request/statusError.ts';
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEmpty,
  places,
  toFieldsV1,
  union,
} from './fieldSet.ts';
import { isObject, jsonEqual, type JsonObject } from './json.ts';
import { takenOver, withLastApplied } from './lastApplied.ts';
import { type MergeSchema } from './schema.ts';
import { compareValues, type Comparison, fieldSetOf, mergeValues, removePlaces } from './typedValue.ts';

/** One entry of `metadata.managedFields`. */
export interface ManagedFieldsEntry {
  [field: string]: unknown;
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: object;
  subresource?: string;
}

/** Who writes. */
export interface FieldManager {
  name: string;
  apiVersion: string;
  subresource?: string;
  /** RFC 3339. */
  now: string;
}

interface Owner {
  entry: ManagedFieldsEntry;
  set: FieldSet;
}

const longestManager = 128;

/** What says which object it is, and what the server sets, belongs to nobody. */
const unowned = [
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'generation', 'managedFields', 'resourceVersion'].map(
    (name) => ['f:metadata', `f:${name}`],
  ),
];

/** `managedFields` after somebody wrote an object in another way than by server-side apply. */
export function ownByUpdate(
  o: { before: JsonObject; after: JsonObject; schema: MergeSchema; entries: readonly ManagedFieldsEntry[] } & {
    manager: FieldManager;
  },
): ManagedFieldsEntry[] {
  const { manager, schema } = o;
  const comparison = stripped(compareValues(o.before, o.after, schema));
  const changed = union(comparison.added, comparison.modified);
  const gone = union(changed, comparison.removed);
  const entry = entryOf(manager, 'Update');
  const owners = o.entries.map(readOwner);
  const mine = owners.find((owner) => sameManager(owner.entry, entry));
  const others = owners.filter((owner) => owner !== mine).map((owner) => reduced(owner, gone));
  const set = union(difference(mine?.set ?? emptySet(), comparison.removed), changed);
  return write([...others, { entry, set }], o.entries, manager.now);
}

/**
 * The entries that a write by update begins with: those that it brings, as a client rewrites them that moves from one way of applying to another, or
 * none for a single empty one. Otherwise those there were, so that a client which knows nothing of owners does not remove them.
 */
export function entriesBefore(given: unknown, live: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  if (!Array.isArray(given) || given.length === 0) return live;
  if (given.length === 1 && jsonEqual(given[0], {})) return [];
  return given.every(isEntry) ? given : live;
}

function isEntry(value: unknown): value is ManagedFieldsEntry {
  if (!isObject(value)) return false;
  const { manager = '', operation, fieldsType, fieldsV1 = {} } = value;
  const isKnown = (operation === 'Apply' || operation === 'Update') && fieldsType === 'FieldsV1';
  return isKnown && typeof manager === 'string' && isObject(fieldsV1);
}

/** Result of {@link applyConfiguration}. */
export interface Applied {
  object: JsonObject;
  entries: ManagedFieldsEntry[];
}

/**
 * Server-side apply: what a manager wants of an object, merged into it.
 *
 * @throws StatusError 409 when it would change what others own, unless forced
 */
export function applyConfiguration(
  o: { live: JsonObject; applied: JsonObject; schema: MergeSchema; entries: readonly ManagedFieldsEntry[] } & {
    manager: FieldManager;
    force: boolean;
  },
): Applied {
  const { live, applied, schema, manager, force } = o;
  const entry = entryOf(manager, 'Apply');
  const owners = o.entries.map(readOwner);
  const mine = owners.find((owner) => sameManager(owner.entry, entry));
  const others = owners.filter((owner) => owner !== mine);
  const set = strippedSet(fieldSetOf(applied, schema));
  const merged = mergeValues(live, applied, schema);
  const keep = others.reduce((all, owner) => union(all, owner.set), set);
  const object = mine ? removePlaces(merged, { remove: mine.set, keep, schema }) : merged;
  if (!isObject(object)) throw new StatusError(400, 'the configuration to apply has to be an object');
  const comparison = stripped(compareValues(live, object, schema));
  const changed = union(comparison.added, comparison.modified);
  if (!force) checkConflicts(others, { changed, allowed: () => takenOver({ live, manager: manager.name, schema }) });
  const gone = union(changed, comparison.removed);
  return {
    object: withLastApplied(object, { applied, manager: manager.name }),
    entries: write([...others.map((owner) => reduced(owner, gone)), { entry, set }], o.entries, manager.now),
  };
}

/** The name of a manager: as asked for, or what the client calls itself. */
export function managerName(fieldManager: string | null, userAgent: string | undefined): string {
  if (fieldManager !== null && fieldManager !== '') {
    if (Buffer.byteLength(fieldManager) > longestManager)
      throw badManager(fieldManager, `Too long: may not be more than ${longestManager} bytes`);
    if (/[\u0000-\u001f\u007f-\u009f]/.test(fieldManager))
      throw badManager(fieldManager, 'Invalid value: should only contain printable characters');
    return fieldManager;
  }
  const [name = ''] = (userAgent ?? '').split('/');
  return name.slice(0, longestManager) || 'unknown';
}

function badManager(value: string, message: string): StatusError {
  return new StatusError(
    422,
    `PatchOptions.meta.k8s.io "" is invalid: fieldManager: ${message.replace('Invalid value', `Invalid value: "${value}"`)}`,
    {
      details: { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [{ field: 'fieldManager', message }] },
    },
  );
}

function checkConflicts(others: readonly Owner[], o: { changed: FieldSet; allowed: () => FieldSet }): void {
  const touched = others.map(({ entry, set }) => ({ entry, set: intersection(set, o.changed) }));
  if (touched.every(({ set }) => isEmpty(set))) return;
  const allowed = o.allowed();
  const conflicts = touched.flatMap(({ entry, set }) =>
    places(difference(set, allowed)).map((place) => ({ with: readableManager(entry), place })),
  );
  if (conflicts.length === 0) return;
  const causes = conflicts.map((one) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${one.with}`,
    field: one.place,
  }));
  throw new StatusError(409, conflictMessage(conflicts), { details: { causes } });
}

function conflictMessage(conflicts: readonly { with: string; place: string }[]): string {
  const [first] = conflicts;
  if (first && conflicts.length === 1) return `Apply failed with 1 conflict: conflict with ${first.with}: ${first.place}`;
  const managers = [...new Set(conflicts.map((one) => one.with))].toSorted();
  const messages = managers.map((manager) => {
    const lines = conflicts.filter((one) => one.with === manager).map(({ place }) => `- ${place}`);
    return `conflicts with ${manager}:\n${lines.join('\n')}`;
  });
  return `Apply failed with ${conflicts.length} conflicts: ${messages.join('\n')}`;
}

function readableManager({ manager = '', subresource, operation, apiVersion = '' }: ManagedFieldsEntry): string {
  const name = `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

function entryOf({ name, apiVersion, subresource }: FieldManager, operation: string): ManagedFieldsEntry {
  return { manager: name, operation, apiVersion, ...(subresource !== undefined && { subresource }) };
}

function sameManager(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  const same = a.manager === b.manager && a.operation === b.operation && (a.subresource ?? '') === (b.subresource ?? '');
  return same && (a.operation === 'Apply' || a.apiVersion === b.apiVersion);
}

function readOwner(entry: ManagedFieldsEntry): Owner {
  return { entry, set: fromFieldsV1(entry.fieldsV1) };
}

function reduced({ entry, set }: Owner, gone: FieldSet): Owner {
  return { entry, set: difference(set, gone) };
}

/** An entry keeps its time as long as it owns the same places. */
function write(owners: readonly Owner[], before: readonly ManagedFieldsEntry[], now: string): ManagedFieldsEntry[] {
  return owners
    .filter(({ set }) => !isEmpty(set))
    .map(({ entry, set }) => {
      const known = before.find((other) => sameManager(other, entry));
      const same = known !== undefined && equalSets(fromFieldsV1(known.fieldsV1), set);
      const { manager, operation, apiVersion, subresource } = entry;
      const time = same ? (known.time ?? now) : now;
      const fields = { fieldsType: 'FieldsV1', fieldsV1: toFieldsV1(set) };
      return { manager, operation, apiVersion, time, ...fields, ...(subresource !== undefined && { subresource }) };
    })
    .toSorted(byOperationThenTime);
}

function byOperationThenTime(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  const order = (one: string | undefined, other: string | undefined): number =>
    (one ?? '') < (other ?? '') ? -1 : one === other ? 0 : 1;
  return order(a.operation, b.operation) || order(a.time, b.time) || order(a.manager, b.manager);
}

/** Whether two lists differ in more than times. */
export function sameOwnership(a: readonly ManagedFieldsEntry[], b: readonly ManagedFieldsEntry[]): boolean {
  const timeless = (entries: readonly ManagedFieldsEntry[]): unknown => entries.map(({ time: _time, ...rest }) => rest);
  return jsonEqual(timeless(a), timeless(b));
}

function stripped({ added, removed, modified }: Comparison): Comparison {
  return { added: strippedSet(added), removed: strippedSet(removed), modified: strippedSet(modified) };
}

function strippedSet(set: FieldSet): FieldSet {
  const mask = emptySet();
  for (const path of unowned) {
    let place = mask;
    for (const step of path) {
      const next = place.children.get(step) ?? emptySet();
      place.children.set(step, next);
      place = next;
    }
    place.member = true;
  }
  return difference(set, mask);
}
